"""Compilation of inner loops, kept on disk so that it happens once on a machine.

numba keeps compiled code in ``NUMBA_CACHE_DIR``, else beside the source; where neither can be written
it fails at import. Then a folder of this user alone is taken: compiled code is run, so nobody else may
have put it there.
"""

import os
import stat
import tempfile
from pathlib import Path
from typing import Any

import numba


def _folder_of_this_user() -> Path:
    folder = Path(tempfile.gettempdir()) / f"gis-data-compiled-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        status = folder.lstat()
        mine = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()
        if not mine or stat.S_IMODE(status.st_mode) & 0o077:
            return Path(tempfile.mkdtemp(prefix="gis-data-compiled-"))
    return folder


_config: Any = numba.config
if not _config.CACHE_DIR and not os.access(Path(__file__).parent, os.W_OK):
    _config.CACHE_DIR = str(_folder_of_this_user())

compiled = numba.njit(cache=True, nogil=True, error_model="numpy")
