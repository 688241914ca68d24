"""PieceReader: a stream of pieces that are made while it is read."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any


class PieceReader(io.RawIOBase):
    """A reader of `pieces` one after another; never holds more than one of them.

    >>> PieceReader([b"ab", b"", b"c"]).read()
    b'abc'
    """

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = filter(None, pieces)
        self._ready = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            data, self._ready = self._ready + b"".join(self._pieces), b""
            return data
        if not self._ready:
            self._ready = next(self._pieces, b"")
        data, self._ready = self._ready[:size], self._ready[size:]
        return data

    def readall(self) -> bytes:
        return self.read()

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
