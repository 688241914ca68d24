"""Body: what a request sends, piece by piece, as often as it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Body:
    """The body of a request, of `size` bytes: `pieces` gives it from its start, each time it is called."""

    size: int
    pieces: Callable[[], Iterable[bytes | memoryview]]

    @classmethod
    def of(cls, content: bytes) -> Body:
        """Return a body in memory."""
        return cls(len(content), lambda: (content,) if content else ())
