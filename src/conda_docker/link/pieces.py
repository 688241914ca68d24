"""PieceReader: a stream of pieces that are made while it is read."""

from __future__ import annotations

from collections.abc import Iterable

from python_docker.files.stream import ReadStream


class PieceReader(ReadStream):
    """A reader of `pieces` one after another; never holds more than one of them.

    >>> PieceReader([b"ab", b"", b"c"]).read()
    b'abc'
    """

    def __init__(self, pieces: Iterable[bytes]) -> None:
        super().__init__()
        self._pieces = filter(None, pieces)
        self._ready = b""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            data, self._ready = self._ready + b"".join(self._pieces), b""
            return data
        if not self._ready:
            self._ready = next(self._pieces, b"")
        data, self._ready = self._ready[:size], self._ready[size:]
        return data
