"""Runs in a network of its own, without any way out: the core's whole way, then the program.

``inside.py FOLDER PORT`` prints one JSON object: what was answered, and what the kernel has counted
of tries to leave. Started by `test_stand_alone`.
"""

import fcntl
import json
import os
import socket
import struct
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1  # netdevice(7)
# Packets that found no route, and packets of a name lookup that found nobody on this machine.
TRIES = {"Ip": ("OutNoRoutes",), "Udp": ("NoPorts",)}


def raise_loopback() -> None:
    """Do `ip link set lo up`: a new network begins with everything down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        asked = struct.pack("16sh22x", b"lo", 0)
        [flags] = struct.unpack_from("h", fcntl.ioctl(handle, SIOCGIFFLAGS, asked), 16)
        fcntl.ioctl(handle, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | IFF_UP))


def tries() -> int:
    """How often anything in this network has tried to leave it, whatever language it is written in."""
    lines = Path("/proc/net/snmp").read_text().splitlines()
    total = 0
    for names, values in zip(lines[::2], lines[1::2], strict=True):
        protocol, *heads = names.split()
        counted = dict(zip(heads, values.split()[1:], strict=True))
        total += sum(int(counted[head]) for head in TRIES.get(protocol.rstrip(":"), ()))
    counted_6 = dict(line.split() for line in Path("/proc/net/snmp6").read_text().splitlines())
    return total + int(counted_6["Ip6OutNoRoutes"]) + int(counted_6["Udp6NoPorts"])


def issued_and_certified(folder: Path) -> str:
    """The core's whole way on a fresh registry, papers printed; the number of the certificate."""
    from sinks.core import db, migrate
    from sinks.core.cluster import Cluster
    from sinks.crediting import certificates
    from tests import world

    cluster = Cluster(folder)
    cluster.start()
    migrate.upgrade(cluster.migration_url)
    with db.transaction() as session:
        world.seed(session)
        people = world.actors(session)
        db.act_as(session, people["registrar"])
        account_id = world.account_with_units(session, people, folder)
        number = certificates.certify_holding(session, people["clerk"], account_id).number
    db.engine().dispose()
    return number


def answered(port: int, path: str) -> str:
    """What the program answers at this address; anything but 200 is an error."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
        return answer.read().decode()


def main(folder: Path, port: int) -> None:
    from tests import browser_steps

    raise_loopback()
    number = issued_and_certified(folder)
    program = browser_steps.up(folder, port=port)
    found = {
        path: answered(port, path)
        for path in ("/health", "/sign-in", "/public", f"/public/check?number={number}", "/")
    }
    status = program.stop()
    before = tries()
    # The count is one that moves: now somebody does call out.
    with socket.socket() as caller, suppress(OSError):
        caller.connect(("192.0.2.1", 80))
    said = {"pages": found, "status": status, "tries": before, "tries_after_one": tries()}
    print(json.dumps(said))


if __name__ == "__main__":
    os.environ["SINKS_DATA_DIR"] = sys.argv[1]
    main(Path(sys.argv[1]), int(sys.argv[2]))
