"""GrowingFile: a file that is read while it is still being written."""

from __future__ import annotations

import os
import threading
from typing import Final, Literal

from python_docker.errors import Error
from python_docker.files.renaming import MUST_BE_CLOSED
from python_docker.streams.section import OwnFile
from python_docker.streams.stream import SeekableStream

CAN_GROW: Final = hasattr(os, "pread") and not MUST_BE_CLOSED
"""Whether a file that somebody reads can be written to and given its name meanwhile. Not on Windows."""
_READ_SIZE = 1 << 20


class Abandoned(Error):
    """A file that will not become what it was to be: what was read of it counts for nothing."""


class GrowingFile:
    """A file of `size` bytes that one thread writes to, from its start, while others read what is there.

    Whoever reads further waits. Its end may be known before: `put_end`. What was read can be used only after `wait` has
    returned, when the writer has found the whole to be right and has called `finish`. After `abandon`, reading and
    waiting raise `Abandoned`. It has as much of a `Path` as it takes to read a file: `name`, `is_dir` and `open`.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile(buffering=0) as file:
    ...     growing = GrowingFile("greeting", 5, os.open(file.name, os.O_RDONLY))
    ...     _ = file.write(b"hello")
    ...     growing.grow(5)
    >>> growing.finish()
    >>> with growing.open() as stream:
    ...     stream.read()
    b'hello'
    """

    def __init__(self, name: str, size: int, number: int) -> None:
        """`number` is a file descriptor to read by, which is closed with this object."""
        self.name = name
        self.size = size
        self._file = OwnFile(number)
        self._there = 0
        self._end = b""
        self._finished = False
        self._abandoned = False
        self._changed = threading.Condition()

    def grow(self, there: int) -> None:
        """Say that so many bytes are there."""
        with self._changed:
            self._there = there
            self._changed.notify_all()

    def put_end(self, end: bytes) -> None:
        """Have the last bytes be known, which are written to the file when their turn comes. Before anybody reads."""
        self._end = end

    def finish(self) -> None:
        """Say that all is there, and right; without effect on one that is abandoned.

        It is abandoned if its end has become another than the one that was known, and read: another server gave that.
        """
        end = len(self._end)
        same = self._file.read_at(self.size - end, end) == self._end
        with self._changed:
            self._finished = same and not self._abandoned
            self._abandoned = not self._finished
            self._changed.notify_all()

    def abandon(self) -> None:
        """Say that what was written is not the file, or never will be; without effect on one that is finished."""
        with self._changed:
            self._abandoned = not self._finished
            self._changed.notify_all()

    def wait(self) -> None:
        """Return when all is there, and right. Raises `Abandoned` when that will not be."""
        with self._changed:
            self._changed.wait_for(lambda: self._finished or self._abandoned)
            self._check()

    def is_dir(self) -> bool:
        """Return False, as a path of a file does."""
        return False

    def open(self, mode: Literal["rb"] = "rb") -> GrowingReader:
        """Return a reader of the whole, from the start."""
        return GrowingReader(self)

    def read_at(self, offset: int, size: int) -> bytes:
        """Return `size` bytes from `offset` on, fewer only at the end; waits until they are there."""
        size = min(size, self.size - offset)
        end = self.size - len(self._end)
        if offset >= end:
            with self._changed:
                self._check()
            return self._end[offset - end : offset - end + size]
        size = min(size, end - offset)
        with self._changed:
            self._changed.wait_for(lambda: self._there >= offset + size or self._finished or self._abandoned)
            self._check()
        return self._file.read_at(offset, size)

    def _check(self) -> None:
        if self._abandoned:
            raise Abandoned(f"{self.name} does not come, or is not what it should be")


class GrowingReader(SeekableStream):
    """A reader of a `GrowingFile`, which can seek."""

    def __init__(self, file: GrowingFile) -> None:
        super().__init__(file.size)
        self._file = file

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(_READ_SIZE), b""))
        data = self._file.read_at(self._position, size) if self._position < self._file.size else b""
        self._position += len(data)
        return data
