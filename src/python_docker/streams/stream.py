"""ReadStream: what the readers of this package have in common."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    class _Binary(io.RawIOBase, BinaryIO):
        """For the type checker, which does not know that every `RawIOBase` will do where a `BinaryIO` is wanted."""
else:
    _Binary = io.RawIOBase


class ReadStream(_Binary):
    """A binary file that can be read and closed; a subclass has only to say what `read` gives.

    Closing it closes the streams `beneath` it, in their order.
    """

    def __init__(self, *beneath: BinaryIO) -> None:
        self._beneath = beneath

    def read(self, size: int | None = -1) -> bytes:
        """Return at most `size` bytes, at least one unless the end is reached; everything when it is negative."""
        raise NotImplementedError

    def readable(self) -> bool:
        return True

    def readall(self) -> bytes:
        return self.read()

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            for stream in self._beneath:
                stream.close()
        super().close()


class SeekableStream(ReadStream):
    """A stream of `size` bytes that can be read from anywhere; a subclass says what `read` gives at `_position`."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size
        self._position = 0

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(start + offset, 0)
        return self._position


class AdvancingReader(ReadStream):
    """A reader of `stream` that calls `advance` with the number of bytes of each piece that was read."""

    def __init__(self, stream: BinaryIO, advance: Callable[[int], object]) -> None:
        super().__init__(stream)
        self._stream = stream
        self._advance = advance

    def read(self, size: int | None = -1) -> bytes:
        data = self._stream.read(-1 if size is None else size)
        self._advance(len(data))
        return data
