"""Child processes that read one file of a stranger.

A file made to break its reader breaks a process that holds nothing, has no network where the system
allows that, an empty environment and limits of its own; ours learns that it ended and why.
"""

import functools
import json
import logging
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

_log = logging.getLogger(__name__)


class Stopped(Exception):
    """The child gave no answer.

    why : ``wall``, the clock ran out; ``limit``, it passed a limit of its own; ``died``, of the file
        or of a fault of ours, which the log tells apart
    """

    def __init__(self, why: Literal["wall", "limit", "died"]) -> None:
        super().__init__(why)
        self.why = why


@functools.lru_cache(maxsize=1)
def isolation() -> tuple[list[str], str]:
    """Return the command that cuts the network for a child, and its name in the record.

    ``cut``: the child has no network interface. ``driver list only``: the system does not allow that;
    then all that holds is that GDAL in the child opens one kind of file and nothing else.
    """
    unshare = shutil.which("unshare")
    for flags in (["-n"], ["-Urn"]):
        if unshare is None:
            break
        tried = subprocess.run(
            [unshare, *flags, "true"], capture_output=True, check=False, timeout=10
        )
        if tried.returncode == 0:
            return [unshare, *flags], "cut"
    _log.warning("the reader's network cannot be cut on this system")
    return [], "driver list only"


def answer(
    reader: str,
    request: Mapping[str, Any],
    *,
    folder: Path,
    wall_seconds: float,
    bytes_max: int,
) -> bytes:
    """Return what a reader writes to its standard output.

    Parameters
    ----------
    reader : module of this project with a ``main`` that takes the request as JSON from its standard
        input and sets its own limits
    folder : where the child works; all it leaves lies there
    bytes_max : an answer longer than this was not written by our reader

    Raises
    ------
    Stopped
    """
    root = str(Path(__file__).resolve().parent.parent)
    code = (
        f"import importlib, sys; sys.path.insert(0, {root!r});"
        f" importlib.import_module({reader!r}).main()"
    )
    # One thread: every one more reserves address space, which is what is limited.
    environment = {"LC_ALL": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            child = subprocess.run(
                [*isolation()[0], sys.executable, "-I", "-c", code],
                input=json.dumps(request).encode(),
                stdout=output,
                stderr=errors,
                env=environment,
                cwd=folder,
                timeout=wall_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise Stopped("wall") from error
        output.seek(0)
        errors.seek(0)
        if child.returncode == -signal.SIGALRM:
            raise Stopped("wall")
        if child.returncode in (-signal.SIGXCPU, -signal.SIGKILL, -signal.SIGXFSZ):
            raise Stopped("limit")
        if child.returncode != 0:
            _log.error(
                "%s ended with %s: %s",
                reader,
                child.returncode,
                errors.read(4000).decode("utf-8", "replace"),
            )
            raise Stopped("died")
        said = output.read(bytes_max + 1)
    if len(said) > bytes_max:
        raise Stopped("died")
    return said
