"""Body: what a request sends, piece by piece, as often as it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple


class FilePart(NamedTuple):
    """A piece that was read from a file: `content` is there from `start` on.

    A connection without TLS has the system send it from the file, which spares a copy of it. Where that sends less,
    the file has become shorter: the rest is sent from `content`.
    """

    content: memoryview
    file: BinaryIO
    start: int


Piece = bytes | memoryview | FilePart


@dataclass(frozen=True, slots=True)
class Body:
    """The body of a request, of `size` bytes: `pieces` gives it from its start, each time it is called."""

    size: int
    pieces: Callable[[], Iterable[Piece]]

    @classmethod
    def of(cls, content: bytes) -> Body:
        """Return a body in memory."""
        return cls(len(content), lambda: (content,) if content else ())

    def contents(self) -> Iterable[bytes | memoryview]:
        """Return the pieces for who sends from memory alone."""
        return (piece.content if isinstance(piece, FilePart) else piece for piece in self.pieces())
