"""A reader that dies as the name of its file says. Only for the tests, in a child process."""

import ctypes
import json
import os
import resource
import signal
import sys
from pathlib import Path


def main() -> None:
    """Leave something behind, then end otherwise than a reader should."""
    request = json.load(sys.stdin)
    Path("half-written.tif").write_bytes(b"II*\0")
    match Path(request["paths"][0]).stem:
        case "segfault":
            ctypes.string_at(0)
        case "abort":
            os.abort()
        case "killed":  # As the system does when memory runs out.
            os.kill(os.getpid(), signal.SIGKILL)
        case "memory":
            resource.setrlimit(resource.RLIMIT_AS, (2**28, 2**28))
            bytearray(2**29)
        case "endless":
            resource.setrlimit(resource.RLIMIT_CPU, (1, 2))
            while True:
                pass
        case "waiting":
            signal.alarm(1)
            signal.pause()
        case "endless_file":
            resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            Path("endless.tif").write_bytes(bytes(2**21))
        case "babbling":
            sys.stdout.write("x" * 2**21)
