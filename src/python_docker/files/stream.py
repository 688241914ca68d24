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
