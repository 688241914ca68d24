"""What is reported of work under way: a protocol, so that this package prints nothing itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable


class Task(Protocol):
    """One piece of work, such as one blob on its way."""

    def advance(self, size: int) -> None:
        """`size` more bytes are done; negative after a restart."""

    def finish(self, outcome: str = "") -> None:
        """End the work; `outcome` says how when it was not simply done: `exists`, `mounted`, `cached`."""


class Progress(Protocol):
    """Hears of pieces of work, from any thread."""

    def start(self, label: str, total: int | None) -> Task:
        """Work called `label` begins, of `total` bytes if that is known."""


@runtime_checkable
class NamesBlobs(Protocol):
    """A `Progress` that takes names for blobs, whose work is labelled with their short digests."""

    def name(self, names: Mapping[str, str]) -> None:
        """Show work with these labels by these names from now on; the first name that a label gets stays."""


@runtime_checkable
class CountsWork(Protocol):
    """A `Progress` that can be told how many pieces of one kind of work there will be."""

    def announce(self, kind: str, number: int) -> None:
        """So many more pieces of work will begin whose labels have this first word."""


def announce(progress: Progress, kind: str, number: int) -> None:
    """Tell `progress` how many more pieces of work of a kind will begin, if it wants to hear of it.

    >>> announce(SILENT, "layer", 3)
    """
    if isinstance(progress, CountsWork):
        progress.announce(kind, number)


@runtime_checkable
class TakesTotal(Protocol):
    """A `Task` that can be told later how much work it is."""

    def expect(self, total: int) -> None:
        """The work is about `total` bytes."""


def expect(task: Task, total: int) -> None:
    """Tell a task how many bytes its work is, as far as is known, if it wants to hear of it.

    >>> expect(SILENT.start("a layer", None), 100)
    """
    if isinstance(task, TakesTotal):
        task.expect(total)


class _Silence:
    def advance(self, size: int) -> None: ...

    def finish(self, outcome: str = "") -> None: ...

    def start(self, label: str, total: int | None) -> Task:
        return self


SILENT: Progress = _Silence()
"""Tells nobody."""
