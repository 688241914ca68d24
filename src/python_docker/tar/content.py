"""How the bytes of a tar are taken: in large pieces from a stream that cannot seek, and member by member."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from python_docker.errors import InvalidLayer
from python_docker.streams.stream import ReadStream

READ_SIZE = 1 << 20
BUFFER = 256 << 10


class ReadAhead:
    """Reads a stream that cannot seek in large pieces. Unlike `io.BufferedReader` it leaves the stream open.

    `data` is the piece in hand, of which `at` bytes have been taken, and `before` what came before it.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.data = b""
        self.at = 0
        self.before = 0

    def read(self, size: int) -> bytes:
        """Return `size` bytes, fewer only at the end."""
        end = self.at + size
        data = self.data[self.at : end]
        self.at = end
        if len(data) == size:
            return data
        pieces = [data]
        left = size - len(data)
        while left:
            self.before += len(self.data)
            self.data = self._stream.read(max(left, BUFFER))
            if not self.data:
                self.at = 0
                break
            pieces.append(self.data[:left])
            self.at = len(pieces[-1])
            left -= self.at
        return b"".join(pieces)

    def read1(self, size: int) -> bytes:
        """Return up to `size` bytes, as many as can be had without putting pieces together; none only at the end."""
        if self.at >= len(self.data):
            self.before += len(self.data)
            self.data, self.at = self._stream.read(BUFFER), 0
        data = self.data[self.at : self.at + size]
        self.at += len(data)
        return data


class Content(ReadStream):
    """The content of the current member."""

    def __init__(
        self, take: Callable[[int], bytes], size: int, path: str, take_some: Callable[[int], bytes] | None = None
    ) -> None:
        super().__init__()
        self._take = take
        self._take_some = take_some or take
        self._path = path
        self.left = size

    def read(self, size: int | None = -1) -> bytes:
        left = self.left
        everything = size is None or size < 0
        if everything and left > READ_SIZE:
            return b"".join(iter(lambda: self.read(READ_SIZE), b""))
        wanted = left if size is None or not 0 <= size <= left else size
        if not wanted:
            return b""
        data = self._take(wanted)
        if not data:
            raise ends_within(self._path)
        self.left = left = left - len(data)
        return data + self.read() if everything and left else data

    def read1(self, size: int = -1) -> bytes:
        """Return as `read` does, but only as many bytes as come without another copy."""
        left = self.left
        data = self._take_some(size if 0 <= size < left else left)
        if left and not data:
            raise ends_within(self._path)
        self.left = left - len(data)
        return data


class Unreadable(ReadStream):
    """The content of a member that can be passed over, but not read."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self._what = what

    def read(self, size: int | None = -1) -> bytes:
        raise InvalidLayer(f"{self._what} cannot be read here")


def ends_within(path: str) -> InvalidLayer:
    """Return the error of a tar that is cut short in a member's content."""
    return InvalidLayer(f"the tar ends within {path[:200]!r}")
