"""Files and folders that appear whole or not at all, whatever happens to the process that writes them.

They are written next to their place, under a name that nobody can guess, and renamed when they are complete. A partial
file is locked for as long as its process lives: whoever writes to the same folder next removes those that are not.
A process that ends in order removes its own, also those that were interrupted before anybody held them.
"""

from __future__ import annotations

import atexit
import os
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self, cast

from python_docker.files.leftovers import remove_folder, remove_leftovers
from python_docker.files.lock import try_lock
from python_docker.files.renaming import MUST_BE_CLOSED, rename_over

if TYPE_CHECKING:
    from types import TracebackType

# Bytes of the final name that the temporary one repeats: any file system takes the sum.
_NAME_LENGTH = 40
_NEW_FILE = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)

_unfinished: set[Path] = set()
_process = os.getpid()


@atexit.register
def _remove_unfinished() -> None:
    if os.getpid() != _process:
        return  # a fork, which ends before what it was forked from has finished
    for path in tuple(_unfinished):
        with suppress(OSError):
            if path.is_dir():
                remove_folder(path)
            else:
                path.unlink()


def write_all(file: BinaryIO, data: bytes | memoryview) -> None:
    """Write all of `data`, also to files whose `write` may take only a part of it."""
    view = memoryview(data)
    while view:
        written = file.write(view)
        # What is not of the io module may give nothing back.
        view = view[len(view) if written is None else written :]


def write_whole_file(path: Path, content: bytes) -> None:
    """Write `content` to `path`, replacing what was there; its folder is made if need be. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with PartialFile(path.parent) as partial:
        write_all(partial.file, content)
        partial.commit(path)


class _Uncommitted(ABC):
    """A context manager: what was not committed when it is left is removed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()

    @abstractmethod
    def abort(self) -> None:
        """Remove what there is. Does nothing after a commit."""


class PartialFile(_Uncommitted):
    """A new file in `folder`, open for writing as `file` (unbuffered), that gets its name with `commit`.

    A context manager: what is not committed when it is left is removed. `name` says in the folder what it will be.
    Raises `OSError`.
    """

    def __init__(self, folder: Path, name: str = "") -> None:
        remove_leftovers(folder)
        self._lock, self.path = create_partial_file(folder, name)
        self.file = cast("BinaryIO", os.fdopen(os.dup(self._lock), "wb", buffering=0))

    def commit(self, target: Path) -> None:
        """Rename the file into place, over what was there. Raises `OSError`, after which `abort` removes the file."""
        # Closing may report what writing did not (NFS, quotas); the lock is held by another descriptor until it is
        # renamed, so that nobody takes it for a leftover.
        self.file.close()
        if MUST_BE_CLOSED:
            self._unlock()
        rename_over(self.path, target)
        self._unlock()
        _unfinished.discard(self.path)

    def abort(self) -> None:
        """Remove the file. Does nothing after `commit`."""
        with suppress(OSError):
            self.file.close()
        if self.path in _unfinished:
            if MUST_BE_CLOSED:
                self._unlock()
            with suppress(OSError):
                self.path.unlink()
        self._unlock()
        _unfinished.discard(self.path)

    def _unlock(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


class PartialFolder(_Uncommitted):
    """A new folder at `path`, in `parent`, that gets its name with `commit`.

    A context manager: what is not committed when it is left is removed. `name` says in the parent what it will be.
    A `private` one is closed to other users from the start. Raises `OSError`.
    """

    def __init__(self, parent: Path, name: str = "", *, private: bool = False) -> None:
        remove_leftovers(parent)
        self._lock, self.path = _create_folder(parent, name, 0o700 if private else 0o777)

    def commit(self, target: Path) -> None:
        """Rename the folder into place. Raises `OSError`, also for a folder of that name with something in it."""
        self.path.rename(target)
        self.abort()

    def commit_unless_there(self, target: Path) -> bool:
        """Rename the folder into place; return False when another process was quicker, and this one is to be removed.

        Raises `OSError`.
        """
        try:
            self.commit(target)
        except OSError:
            if target.is_dir():
                return False
            raise
        return True

    def commit_over(self, target: Path) -> None:
        """Rename the folder into place, replacing the one that has it. Raises `OSError`, after which that one is back.

        Two folders cannot change places at once: a process that is killed between the two renamings leaves the old one
        as `.NAME.old-...`, which nobody removes.
        """
        if not target.exists():
            self.commit(target)
            return
        old = target.with_name(f".{target.name[:_NAME_LENGTH]}.old-{os.urandom(8).hex()}")
        target.rename(old)
        try:
            self.commit(target)
        except BaseException:
            old.rename(target)
            raise
        with suppress(OSError), PartialFolder(target.parent, target.name) as doomed:
            old.rename(doomed.path / "old")  # now it may be lost

    def abort(self) -> None:
        """Remove the folder with what is left in it. Does nothing after `commit`."""
        remove_folder(self.path)
        _unfinished.discard(self.path)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def create_partial_file(folder: Path, name: str = "") -> tuple[int, Path]:
    """Create a file in `folder`, locked while it is open; return its file descriptor and its path. Raises `OSError`."""
    while True:
        path = _new_path(folder, name)
        _unfinished.add(path)  # first: a signal may come before the next line has ended
        number = os.open(path, _NEW_FILE, 0o666)
        if _lock(number, path):
            return number, path
        os.close(number)


def _create_folder(parent: Path, name: str, mode: int) -> tuple[int | None, Path]:
    while True:
        path = _new_path(parent, name)
        _unfinished.add(path)
        path.mkdir(mode)
        try:
            number = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            continue
        except OSError:
            return None, path  # folders cannot be opened on this system
        if _lock(number, path):
            return number, path
        os.close(number)


def _new_path(folder: Path, name: str) -> Path:
    return folder / f"{f'.{name[:_NAME_LENGTH]}' if name else ''}.partial-{os.urandom(8).hex()}"


def _lock(number: int, path: Path) -> bool:
    """Lock what was just created; False when somebody took it for a leftover before it was locked."""
    try:
        if not try_lock(number):
            return False
    except OSError:
        return True  # no locks here, so nobody finds it abandoned either
    try:
        return os.path.samestat(path.lstat(), os.fstat(number))
    except FileNotFoundError:
        return False
