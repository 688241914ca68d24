"""Section: a part of a file that is read as a file of its own, by any number of threads."""

from __future__ import annotations

import io
import os
import threading
import weakref
from typing import BinaryIO, Protocol

from python_docker.errors import InvalidArchive
from python_docker.streams.stream import SeekableStream

_CHUNK = 1 << 20


class RandomAccess(Protocol):
    """A file that can be read anywhere; `size` is in bytes."""

    size: int

    def read_at(self, offset: int, size: int) -> bytes:
        """Return at most `size` bytes from `offset` on; none at the end."""


class OwnFile:
    """A file of our own, open for as long as anybody can read from it, whatever becomes of its name meanwhile.

    `number` is its file descriptor, which is closed with the object.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._lock = threading.Lock()
        self.size = os.fstat(number).st_size
        weakref.finalize(self, os.close, number)

    def read_at(self, offset: int, size: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self._number, size, offset)
        with self._lock:
            os.lseek(self._number, offset, os.SEEK_SET)
            return os.read(self._number, size)


class GivenFile:
    """A seekable file object of the caller's, from where it stands now."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._start = file.tell()
        self.size = file.seek(0, os.SEEK_END) - self._start

    def read_at(self, offset: int, size: int) -> bytes:
        with self._lock:
            self._file.seek(self._start + offset)
            return self._file.read(size)


class Section(SeekableStream):
    """`size` bytes of a file from `offset` on. Raises `InvalidArchive` when they are not all there; `what` names them.

    >>> import io
    >>> file = GivenFile(io.BytesIO(b"abcdef"))
    >>> Section(file, 2, 3, "the example").read()
    b'cde'
    """

    def __init__(self, file: RandomAccess, offset: int, size: int, what: str) -> None:
        super().__init__(size)
        self._file = file
        self._offset = offset
        self._what = what

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(_CHUNK), b""))
        size = min(size, self._size - self._position)
        if size <= 0:
            return b""
        data = self._file.read_at(self._offset + self._position, size)
        if not data:
            raise InvalidArchive(f"{self._what} is cut short")
        self._position += len(data)
        return data


def same_content(one: Section, other: Section) -> bool:
    """Return whether two sections hold the same bytes; they are closed afterwards."""
    first, second = (io.BufferedReader(section, _CHUNK) for section in (one, other))
    while data := first.read(_CHUNK):
        if second.read(len(data)) != data:
            return False
    return not second.read(1)
