"""Partial files and folders whose processes are gone: how they are known, and removed.

Each is locked for as long as its process lives (see `atomic`); where there are no locks, age decides.
"""

from __future__ import annotations

import os
import re
import stat
import time
from contextlib import suppress
from pathlib import Path

from python_docker.files.lock import try_lock
from python_docker.files.renaming import MUST_BE_CLOSED

_PARTIAL = r"(?s)\.(?:.{1,40}\.)?partial-(?:[0-9]+-)?[0-9a-f]{8,32}"
# Where only closed files can be renamed, a partial file is unlocked for a moment before it is.
_AGE = 3600.0 if MUST_BE_CLOSED else 0.0  # seconds
_STALE = 24 * 3600.0  # seconds
# A pipe or link under such a name is somebody's trap: opening it must neither wait nor lead elsewhere.
_EXISTING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def is_partial(name: str) -> bool:
    """Return whether a file or folder of this name is one that is still being written, or was left behind.

    >>> is_partial(".demo.tar.partial-0123456789abcdef"), is_partial("demo.tar")
    (True, False)
    """
    return re.fullmatch(_PARTIAL, name) is not None


def remove_leftovers(folder: Path) -> int:
    """Remove the partial files and folders in `folder` whose processes are gone; return their size in bytes.

    Those of other users stay, and so does what cannot be removed.
    """
    freed = 0
    with suppress(OSError), os.scandir(folder) as entries:
        for name in [entry.name for entry in entries if is_partial(entry.name)]:
            with suppress(OSError):
                freed += _remove_if_abandoned(folder / name)
    return freed


def _remove_if_abandoned(path: Path) -> int:
    # Looked at before it is opened: where only closed files can be renamed, its owner could not do it meanwhile.
    if time.time() - path.lstat().st_mtime < _AGE:
        return 0
    try:
        number = os.open(path, _EXISTING | os.O_RDWR)  # which locks of NFS need
    except IsADirectoryError:
        number = os.open(path, _EXISTING | os.O_RDONLY)
    try:
        status = os.fstat(number)
        is_folder = stat.S_ISDIR(status.st_mode)
        if not (is_folder or stat.S_ISREG(status.st_mode)) or not _is_mine(status):
            return 0
        if not _is_unlocked(number, time.time() - status.st_mtime):
            return 0
        if is_folder:
            size = sum(file.lstat().st_size for file in path.rglob("*"))
            remove_folder(path)
            return size
        if not MUST_BE_CLOSED:
            path.unlink()
    finally:
        os.close(number)
    if MUST_BE_CLOSED:
        path.unlink()
    return status.st_size


def remove_folder(path: Path) -> None:
    """Remove a folder with all that is in it; what cannot be removed stays."""
    if not path.exists():
        return
    import shutil  # which brings compressors, and is seldom needed

    def open_up(_function: object, closed: str, _error: object) -> None:
        """Try again in folders that were closed, as a program in a sandbox may leave them; never outside of `path`."""
        with suppress(OSError):
            if Path(closed) != path:
                os.chmod(os.path.dirname(closed), 0o700)  # noqa: PTH101, PTH120
            if not os.path.islink(closed) and os.path.isdir(closed):  # noqa: PTH112, PTH114
                os.chmod(closed, 0o700)  # noqa: PTH101
                shutil.rmtree(closed, ignore_errors=True)
            else:
                os.unlink(closed)  # noqa: PTH108

    shutil.rmtree(path, onerror=open_up)


def _is_unlocked(number: int, age: float) -> bool:
    try:
        return try_lock(number)
    except OSError:
        return age > _STALE  # no locks here: nobody writes to one file for so long


def _is_mine(status: os.stat_result) -> bool:
    return not hasattr(os, "getuid") or status.st_uid == os.getuid()
