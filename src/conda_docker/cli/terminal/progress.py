"""Progress of a command: what is under way, and lines about it where there is no terminal; `bars` has the rest."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from conda_docker.arguments.amounts import format_duration, format_size
from conda_docker.cli.terminal.output import Output, write_line

INTERVAL = 10.0
"""Seconds between two lines about one long piece of work, where there is no terminal."""


class Work:
    """One piece of work that is shown: a `python_docker.progress.Task`."""

    def __init__(self, display: Display, label: str, total: int | None) -> None:
        self.label = label
        self.total = total
        self.moves = total is not None  # what is sent or fetched, rather than made
        self.done = 0
        self.outcome = ""
        self.begun = time.monotonic()
        self._display = display
        self._lock = threading.Lock()

    def advance(self, size: int) -> None:
        """Count `size` more bytes. Raises `KeyboardInterrupt` when the command is to end early."""
        if self._display.output.cancelled.is_set():
            # Threads never see the signal itself: this stops them where they report their work.
            raise KeyboardInterrupt
        with self._lock:
            self.done += size
        self._display.advanced(self)

    def expect(self, total: int) -> None:
        """Show the work as one of about `total` bytes."""
        self.total = total

    def finish(self, outcome: str = "") -> None:
        """Say that the work is over."""
        self.outcome = outcome
        self._display.finished(self, outcome)

    @property
    def elapsed(self) -> float:
        """Return the seconds since the work began."""
        return time.monotonic() - self.begun


class Display:
    """Hears of work and shows nothing of it: a `python_docker.progress.Progress`. Others show more.

    `moved` counts the bytes of what had a known size, such as blobs, and `outcomes` how often each outcome came up.
    """

    def __init__(self, output: Output) -> None:
        self.output = output
        self.moved = 0
        self.outcomes: dict[str, int] = {}
        self._lock = threading.Lock()

    def start(self, label: str, total: int | None) -> Work:
        """Begin work called `label`, of `total` bytes if that is known."""
        if self.output.cancelled.is_set():
            raise KeyboardInterrupt
        return Work(self, label, total)

    def advanced(self, work: Work) -> None:
        """Note that some of the work was done."""

    def finished(self, work: Work, outcome: str) -> None:
        """Note that the work is over."""
        with self._lock:
            self.moved += work.done if work.moves else 0
            self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1

    @contextmanager
    def phase(self, label: str) -> Iterator[None]:
        """Show what the block does as work of unknown size."""
        work = self.start(label, None)
        yield
        work.finish()


class Shown(Display):
    """Shows work by the names that it is given: a `python_docker.progress.NamesBlobs`."""

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self._names: dict[str, str] = {}

    def start(self, label: str, total: int | None) -> Work:
        return super().start(self._names.get(label, label), total)

    def name(self, names: Mapping[str, str]) -> None:
        """Show work on blobs, which is labelled with short digests, by these names; the first of each stays."""
        self._names = {**names, **self._names}


class Lines(Shown):
    """A line for each piece of work that is done, and now and then one about work that takes long."""

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self._reported: dict[Work, float] = {}

    def advanced(self, work: Work) -> None:
        now = time.monotonic()
        if now - self._reported.get(work, work.begun) < INTERVAL:
            return
        self._reported[work] = now
        if not work.done:
            self._line(f"{work.label}: {format_duration(work.elapsed)} so far")
            return
        done = format_size(work.done)
        if work.total:
            done += f" of {format_size(work.total)} ({work.done * 100 // work.total}%)"
        self._line(f"{work.label}: {done}, {format_size(work.done / work.elapsed)}/s")

    def finished(self, work: Work, outcome: str) -> None:
        super().finished(work, outcome)
        self._reported.pop(work, None)
        shown = [outcome] if outcome else []
        if work.done:
            shown.append(format_size(work.done))
        if work.done or not outcome:
            shown.append(format_duration(work.elapsed))
        if work.done and work.elapsed > 1:
            shown.append(f"{format_size(work.done / work.elapsed)}/s")
        self._line(f"{work.label}: {', '.join(shown)}")

    def _line(self, text: str) -> None:
        with self._lock:
            write_line(sys.stderr, text)
