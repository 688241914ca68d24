"""Contents that are made while they are read, and contents that are kept to be read again."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from python_docker.streams.stream import ReadStream
from python_docker.tar import TarEntry

_SMALL = 1 << 20  # bytes up to which a content that is kept is kept in memory
_READ_SIZE = 1 << 20


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


class HeldContents:
    """Contents of files that hard links further on may need again, by their paths; `closing` ends with them."""

    def __init__(self, closing: ExitStack) -> None:
        self._closing = closing
        self._held: dict[str, tuple[TarEntry, BinaryIO]] = {}

    def keep(self, entry: TarEntry, content: BinaryIO) -> BinaryIO:
        """Read all of a content, and return a reader of it."""
        spool = cast("BinaryIO", SpooledTemporaryFile(_SMALL))  # noqa: SIM115 -- closed when all is linked
        self._closing.callback(spool.close)
        while data := content.read(_READ_SIZE):
            spool.write(data)
        self._held[entry.path] = entry, spool
        return _reread(spool)

    def get(self, path: str) -> tuple[TarEntry, BinaryIO] | None:
        """Return the entry of a file that was kept and a reader of its content, None for any other."""
        found = self._held.get(path)
        return None if found is None else (found[0], _reread(found[1]))


def _reread(spool: BinaryIO) -> BinaryIO:
    """Return a reader of all that is in `spool`, which stays open when the reader is closed."""
    spool.seek(0)
    return PieceReader(iter(lambda: spool.read(_READ_SIZE), b""))
