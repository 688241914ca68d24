"""A download under way: a file that goes on where an earlier attempt, or another process before, had to stop."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from conda_docker.cache.folder import unwritable
from conda_docker.package.fetch.find import new_hash
from python_docker.files.atomic import create_partial_file
from python_docker.files.lock import try_lock
from python_docker.files.renaming import MUST_BE_CLOSED, rename_over
from python_docker.streams.growing import CAN_GROW, GrowingFile

_READ_SIZE = 1 << 20
_POLL = 0.05  # seconds between two looks at what comes to another process
_PATIENCE = 10.0  # seconds without a byte after which it is not waited for any more


class PartialDownload:
    """What has come of the file `target`, kept next to it under a dot-name until it is whole.

    A context manager, in which it belongs to this process alone. While another process downloads the same, that is
    waited for, by `wait` with a number of seconds; `is_there` then says that the file has come, as `is_whole` finds. To
    one that gets nothing for some seconds, this is a file of its own, which is thrown away unless it becomes whole.
    `hexdigest` is that of the whole content by `algorithm`, earlier processes' part included. Raises `CacheError` when
    the folder cannot be written.

    `begun` hears of a download that can be read from before it is whole; see `share`.
    """

    def __init__(
        self,
        target: Path,
        algorithm: str,
        begun: Callable[[GrowingFile], object] | None = None,
        wait: Callable[[float], object] = time.sleep,
        is_whole: Callable[[Path], bool] = lambda _: False,
    ) -> None:
        self.target = target
        self.size = 0
        self.is_there = False
        self._wait = wait
        self._is_whole = is_whole
        self._begun = begun if CAN_GROW else None
        self._growing: GrowingFile | None = None
        self._algorithm = algorithm
        self._hash = new_hash(algorithm)
        self._keep = True
        self._number = -1
        with self._writing():
            target.parent.mkdir(parents=True, exist_ok=True)
            self._path, self._number = self._open()
            while not self.is_there and (data := os.read(self._number, _READ_SIZE)):
                self._hash.update(data)
                self.size += len(data)

    def _open(self) -> tuple[Path, int]:
        shared = self.target.with_name(f".{self.target.name}.partial")
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
        seen, since = -1, time.monotonic()
        while True:
            number = os.open(shared, flags, 0o666)
            try:
                found = os.fstat(number)
                if not stat.S_ISREG(found.st_mode):
                    break
                if not try_lock(number):
                    if found.st_size != seen:
                        seen, since = found.st_size, time.monotonic()
                    elif time.monotonic() - since > _PATIENCE:
                        break
                    os.close(number)
                    self._wait(_POLL)
                    continue
                if os.path.samestat(os.fstat(number), shared.stat()):
                    if found.st_size or not self._is_whole(self.target):
                        return shared, number
                    self.is_there = True
                    if MUST_BE_CLOSED:
                        os.close(number)
                    shared.unlink(missing_ok=True)
                    if not MUST_BE_CLOSED:
                        os.close(number)
                    return shared, -1
            except FileNotFoundError:
                pass  # it has just become whole, or was thrown away
            except OSError:
                break  # no locks here: nobody can tell whose it is
            os.close(number)
        os.close(number)
        self._keep = False
        number, own = create_partial_file(self.target.parent, self.target.name)
        return own, number

    @property
    def hexdigest(self) -> str:
        """The hash of all that has come."""
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        """Append `data`."""
        with self._writing():
            view = memoryview(data)
            while view:
                view = view[os.write(self._number, view) :]
        self._hash.update(data)
        self.size += len(data)
        if self._growing is not None:
            self._growing.grow(self.size)

    @property
    def is_wanted_early(self) -> bool:
        """Whether somebody wants to read it before it is whole, who has not been given it yet."""
        return self._begun is not None and self._growing is None

    def share(self, size: int, end: bytes = b"") -> None:
        """Have whoever wants that read what has come, and what will: `size` bytes, the last of which are known."""
        if self._begun is None or self._growing is not None:
            return
        with self._writing():
            self._growing = GrowingFile(self.target.name, size, os.open(self._path, os.O_RDONLY))
        self._growing.put_end(end)
        self._growing.grow(self.size)
        self._begun(self._growing)

    def restart(self) -> None:
        """Forget what has come. It is not shared again."""
        self._begun = None
        self._abandon()
        with self._writing():
            os.lseek(self._number, 0, os.SEEK_SET)
            os.ftruncate(self._number, 0)
        self._hash = new_hash(self._algorithm)
        self.size = 0

    def discard(self) -> None:
        """Throw away what has come, once this is left."""
        self._keep = False

    def commit(self) -> None:
        """Give the file its name; what was there is replaced."""
        with self._writing():
            if MUST_BE_CLOSED:
                self._close()
            # Elsewhere while it is locked: another process that opens it now finds that it is no longer the partial.
            rename_over(self._path, self.target)
        if self._growing is not None:
            self._growing.finish()

    def _abandon(self) -> None:
        if self._growing is not None:
            self._growing.abandon()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.discard()  # what cannot be completed here must not fill the disk
            raise unwritable(self.target.parent.parent, error) from error

    def _close(self) -> None:
        if self._number >= 0:
            os.close(self._number)
            self._number = -1

    def __enter__(self) -> PartialDownload:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._abandon()
        if MUST_BE_CLOSED:
            self._close()
        if kind is not None and not (self._keep and self.size):
            self._path.unlink(missing_ok=True)
        self._close()
