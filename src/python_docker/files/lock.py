"""Locks between processes, held by an open file and gone with it, however its process ends (flock(2))."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from python_docker.errors import Error
from python_docker.files.renaming import MUST_BE_CLOSED

_POLL = 0.02
# A link or pipe under the lock's name must neither lead elsewhere nor make us wait.
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_BUSY = {errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK}
if sys.platform == "win32":
    _BUSY.add(0)  # the C library of Wine refuses, and does not say why

if sys.platform == "win32":
    import msvcrt

    def _lock(number: int) -> None:
        msvcrt.locking(number, msvcrt.LK_NBLCK, 1)

    def lock_shared(number: int) -> None:
        """Do nothing: this system has no shared locks of this kind."""

else:
    import fcntl

    def _lock(number: int) -> None:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def lock_shared(number: int) -> None:
        """Lock an open file together with others until it is closed; waits while somebody has it alone (`try_lock`).

        Raises `OSError` where its file system has no locks.
        """
        fcntl.flock(number, fcntl.LOCK_SH)


def try_lock(number: int) -> bool:
    """Lock an open file, or a folder where folders can be opened, until it is closed; False when another has it locked.

    Raises `OSError` where its file system has no locks.
    """
    try:
        _lock(number)
    except OSError as error:
        if error.errno in _BUSY:
            return False
        raise
    return True


@contextmanager
def locked(path: Path, timeout: float = 60.0) -> Iterator[None]:
    """Hold the lock that is called `path`, a file that is made for it and removed again.

    Waits at most `timeout` seconds, then raises `Error`. Where the file system has no locks, goes on without.
    """
    number = _acquire(path, time.monotonic() + timeout)
    try:
        yield
    finally:
        if MUST_BE_CLOSED:
            os.close(number)  # the file stays while another waits for it
        # Elsewhere while it is locked: whoever opened it before finds that it is no longer the one under this name.
        with suppress(OSError):
            path.unlink()
        if not MUST_BE_CLOSED:
            os.close(number)


def _acquire(path: Path, deadline: float) -> int:
    while True:
        try:
            number = os.open(path, _FLAGS, 0o666)
        except PermissionError:
            if not MUST_BE_CLOSED or time.monotonic() > deadline:
                raise
            time.sleep(_POLL)  # it is being removed
            continue
        try:
            taken = try_lock(number)
        except OSError:
            return number
        if taken and _is_under(path, number):
            return number
        os.close(number)
        if time.monotonic() > deadline:
            raise Error(f"another process holds the lock {path}; try again when it has ended")
        time.sleep(_POLL)


def _is_under(path: Path, number: int) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(there, os.fstat(number))
