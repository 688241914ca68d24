"""What is reported of work under way: a protocol, so that this package prints nothing itself."""

from __future__ import annotations

from typing import Protocol


class Task(Protocol):
    """One piece of work, such as one blob on its way."""

    def advance(self, size: int) -> None:
        """`size` more bytes are done; negative after a restart."""

    def finish(self, outcome: str = "") -> None:
        """The work is over; `outcome` says how when it was not simply done: `exists`, `mounted`, `cached`."""


class Progress(Protocol):
    """Hears of pieces of work, from any thread."""

    def start(self, label: str, total: int | None) -> Task:
        """Work called `label` begins, of `total` bytes if that is known."""


class _Silence:
    def advance(self, size: int) -> None: ...

    def finish(self, outcome: str = "") -> None: ...

    def start(self, label: str, total: int | None) -> Task:
        return self


SILENT: Progress = _Silence()
"""Tells nobody."""
