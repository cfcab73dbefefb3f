"""Writes down whom this Python process talks to. Python itself loads it at start (PYTHONPATH).

A line a thing: what was done, the address, and the program that did it, as JSON.
"""

import json
import os
import sys
from typing import Any

EVENTS = {
    "socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo",
    "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo",
}  # fmt: skip
book = os.open(os.environ["SINKS_TEST_BOOK"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)


def write_down(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in EVENTS:
        return
    # Of those that begin with a socket the address comes second; a missing one says nothing new.
    on_socket = event in ("socket.connect", "socket.sendto", "socket.sendmsg")
    address = arguments[1] if on_socket else arguments[0]
    if isinstance(address, tuple):
        address = address[0]
    if isinstance(address, bytes):
        address = os.fsdecode(address)
    write(event, address)


def write(event: str, address: str | None) -> None:
    line = json.dumps({"event": event, "address": address, "program": sys.orig_argv[:4]})
    os.write(book, f"{line}\n".encode())


# So that a process that talks to nobody is known to have been listened to.
write("start", None)
sys.addaudithook(write_down)
