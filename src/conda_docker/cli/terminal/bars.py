"""Progress on a terminal: a row for each piece of work under way, which keeps its place, and a line that counts."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from conda_docker.arguments.amounts import format_seconds, format_size
from conda_docker.cli.signals import drawn
from conda_docker.cli.terminal.output import Output, printable
from conda_docker.cli.terminal.progress import Shown, Work
from conda_docker.cli.terminal.rates import Rate

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

DELAY = 0.3
"""Seconds before anything is drawn: a command that is over sooner would only flicker."""

_REDRAWN_EVERY = 0.125  # seconds
_BROAD, _WIDE, _MEDIUM = 100, 80, 50
"""Columns: room for long bars, for bars with amounts, rates and time left, for short bars alone."""

_AMOUNT = len("123.4 MB of 123.4 MB")
_RATE = len("123.4 MB/s")
_LEFT = len("59 min left")
_BRIEF = len("123.4 MB")
AGAIN = "again"
"""The outcome of work that will begin once more."""
_FINISHING = "finishing"
"""What is said of work whose last byte has gone and that still goes on, as when a registry puts a blob together."""


class Terminal(Shown):
    """Rows for the work under way, drawn by a thread of its own and erased at the end.

    A row stays where it is: work that is over keeps its row until other work needs one. Only the thread that draws
    imports rich, and only after `DELAY`, so a command that is over sooner neither waits for the import nor flickers.
    """

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self._active: dict[Work, None] = {}
        self._rows: list[Work] = []
        self._announced: dict[str, tuple[int, int]] = {}
        self._over = threading.Event()
        self._begun = time.monotonic()
        self._rates: dict[Work, Rate] = {}
        self._moving = Rate(self._begun)

    def start(self, label: str, total: int | None) -> Work:
        work = super().start(label, total)
        with self._lock:
            self._active[work] = None
        return work

    def finished(self, work: Work, outcome: str) -> None:
        super().finished(work, outcome)
        with self._lock:
            self._active.pop(work, None)
            kind = work.label.partition(" ")[0]
            if kind in self._announced and outcome != AGAIN:
                done, of = self._announced[kind]
                self._announced[kind] = done + 1, of

    def announce(self, kind: str, number: int) -> None:
        """Count so many more pieces of work whose labels have this first word; see `CountsWork`."""
        with self._lock:
            done, of = self._announced.get(kind, (0, 0))
            self._announced[kind] = done, of + number

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Draw while the block runs; afterwards the terminal is as it was before."""
        drawing = threading.Thread(target=self._draw, name="progress", daemon=True)
        drawing.start()
        try:
            yield
        finally:
            self._over.set()
            drawing.join()

    def rows(self, most: int) -> list[tuple[Work, bool]]:
        """Return at most `most` pieces of work, each in the place it had before, with whether it is under way."""
        with self._lock:
            active = dict(self._active)
        waiting = [work for work in active if work not in self._rows]
        for place, work in enumerate(self._rows):
            if waiting and work not in active:
                self._rows[place] = waiting.pop(0)
        self._rows = (self._rows + waiting)[:most]
        return [(work, work in active) for work in self._rows]

    def _draw(self) -> None:
        if self._over.wait(DELAY):
            return
        from rich.console import Console
        from rich.live import Live

        console = Console(stderr=True, highlight=False)
        # Standard output may be a pipe: what goes there must not end up among the bars.
        live = Live(
            console=console,
            get_renderable=lambda: self._picture(console),
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
        )
        try:
            drawn.set()
            with live:
                while not self._over.wait(_REDRAWN_EVERY):
                    live.refresh()
        except (OSError, ValueError):
            pass  # a terminal that was closed must not end the work
        finally:
            drawn.clear()

    def _picture(self, console: Console) -> RenderableType:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        now, width = time.monotonic(), console.width
        lines = ("#", "-") if console.options.ascii_only else ("━", "─")
        rows = self.rows(max(1, console.height - 2))
        bar_width = 24 if width >= _BROAD else 14 if width >= _WIDE else 10 if width >= _MEDIUM else 0
        told_widths = [_AMOUNT, _RATE, _LEFT] if width >= _WIDE else [_BRIEF]
        widths = [bar_width] * bool(bar_width) + told_widths
        # A column less than there are: what ends in the last one makes some terminals wrap.
        label_width = max(8, min(40, width - 1 - sum(each + 1 for each in widths)))
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_column(width=label_width, no_wrap=True, overflow="ellipsis")
        for each in widths:
            table.add_column(width=each, no_wrap=True, overflow="crop", justify="right")
        for work, under_way in rows:
            style = "" if under_way else "dim"
            cells: list[RenderableType] = [Text(printable(work.label).replace("\n", " "), style)]
            if bar_width:
                cells.append(_bar(work, bar_width, now, lines) if under_way else Text())
            told = self._told(work, now) if under_way else ["", "", work.outcome or "done"]
            cells += [Text(text, style) for text in (told if width >= _WIDE else [_briefly(work, under_way)])]
            table.add_row(*cells)
        counted = self._counted(len(rows), now, rates=width >= _MEDIUM)
        return Group(table, Text(counted, "dim", no_wrap=True, overflow="ellipsis"))

    def _told(self, work: Work, now: float) -> list[str]:
        """Return how much of some work is done, how fast it goes now, and how long it will take at that rate."""
        rate = self._rates.setdefault(work, Rate(work.begun)).at(work.done, now)
        if not work.done:
            return ["", "", "" if work.total else format_seconds(work.elapsed)]
        amount = format_size(work.done)
        if work.total is None:
            return [amount, _per_second(rate), format_seconds(work.elapsed)]
        if work.done >= work.total:
            return [f"{format_size(work.total)} of {format_size(work.total)}", "", _FINISHING]
        amount = f"{amount} of {format_size(work.total)}"
        left = f"{format_seconds(math.ceil((work.total - work.done) / rate))} left" if rate >= 1 else ""
        return [amount, _per_second(rate), left]

    def _counted(self, shown: int, now: float, *, rates: bool) -> str:
        with self._lock:
            ended, under_way = sum(self.outcomes.values()), len(self._active)
            announced = [f"{done} of {of} {kind}s made" for kind, (done, of) in self._announced.items()]
            moved = self.moved + sum(work.done for work in self._active if work.moves)
        told = [f"{ended} done", *announced, *([f"{format_size(moved)} moved"] if moved else [])]
        if (rate := _per_second(self._moving.at(moved, now))) and rates:
            told[-1] += f" at {rate}"
        more = under_way - shown
        told += [f"{more} more under way"] if more > 0 else []
        if self.output.cancelled.is_set():
            told.insert(0, "stopping what is under way")
        return ", ".join([*told, format_seconds(now - self._begun)])


def _bar(work: Work, width: int, now: float, lines: tuple[str, str]) -> Text:
    """Return a bar that is filled as far as the work is; where nobody knows how much it is, one that moves.

    `lines` are the characters for what is filled and what is not: they differ where there are no colors, too.
    """
    from rich.text import Text

    full, empty = lines
    if work.total:
        filled = min(width, work.done * width // work.total)
        return Text.assemble((full * filled, "cyan"), (empty * (width - filled), "dim"))
    size = max(2, width // 4)
    # There and back again, in two seconds.
    way = 2 * (width - size)
    at = int((now - work.begun) * way / 2) % way
    start = min(at, way - at)
    return Text.assemble((empty * start, "dim"), (full * size, "cyan"), (empty * (width - size - start), "dim"))


def _per_second(rate: float) -> str:
    return f"{format_size(rate)}/s" if rate >= 1 else ""


def _briefly(work: Work, under_way: bool) -> str:
    if not under_way:
        return work.outcome or "done"
    if work.total:
        return f"{min(100, work.done * 100 // work.total)}%"
    return format_size(work.done) if work.done else format_seconds(work.elapsed)
