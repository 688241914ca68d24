"""Progress on a terminal: a row for each piece of work under way, which keeps its place, and a line that counts."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from conda_docker.cli.terminal.output import Output, printable
from conda_docker.cli.terminal.progress import Display, Work
from conda_docker.cli.terminal.report import format_duration, format_size

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

DELAY = 0.3
"""Seconds before anything is drawn: a command that is over sooner would only flicker."""

_REDRAWN_EVERY = 0.125  # seconds
_WIDE, _MEDIUM = 80, 50  # columns: room for a bar and for speeds, for a short bar alone
_SPEED_WIDTH = len("123.4 MB of 123.4 MB, 123.4 MB/s")
_SIZE_WIDTH = len("123.4 MB")


class Terminal(Display):
    """Rows for the work under way, drawn by a thread of its own and erased at the end.

    A row stays where it is: work that is over keeps its row until other work needs one. Only the thread that draws
    imports rich, and only after `DELAY`, so a command that is over sooner neither waits for the import nor flickers.
    """

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self._active: dict[Work, None] = {}
        self._rows: list[Work] = []
        self._over = threading.Event()
        self._begun = time.monotonic()

    def start(self, label: str, total: int | None) -> Work:
        work = super().start(label, total)
        with self._lock:
            self._active[work] = None
        return work

    def finished(self, work: Work, outcome: str) -> None:
        super().finished(work, outcome)
        with self._lock:
            self._active.pop(work, None)

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
            with live:
                while not self._over.wait(_REDRAWN_EVERY):
                    live.refresh()
        except (OSError, ValueError):
            pass  # a terminal that was closed must not end the work

    def _picture(self, console: Console) -> RenderableType:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        width = console.width
        told_width = _SPEED_WIDTH if width >= _WIDE else _SIZE_WIDTH
        bar_width = 24 if width >= _WIDE else 10 if width >= _MEDIUM else 0
        label_width = min(40, width - 1 - told_width - 1 - (bar_width + 1 if bar_width else 0))
        rows = self.rows(max(1, console.height - 2))
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_column(width=max(8, label_width), no_wrap=True, overflow="ellipsis")
        if bar_width:
            table.add_column(width=bar_width)
        table.add_column(width=told_width, no_wrap=True, overflow="crop")
        for work, under_way in rows:
            style = "" if under_way else "dim"
            cells: list[RenderableType] = [Text(printable(work.label).replace("\n", " "), style)]
            if bar_width:
                total, done = (work.total or None, work.done) if under_way else (1, 1)
                cells.append(ProgressBar(total, done, width=bar_width))
            told = work.outcome or "done"
            if under_way:
                told = _with_speed(work) if width >= _WIDE else _briefly(work)
            table.add_row(*cells, Text(told, style))
        return Group(table, Text(self._counted(len(rows)), "dim", no_wrap=True, overflow="ellipsis"))

    def _counted(self, shown: int) -> str:
        with self._lock:
            done, under_way = sum(self.outcomes.values()), len(self._active)
        told = [f"{done} done", format_size(self.moved), format_duration(int(time.monotonic() - self._begun))]
        more = under_way - shown
        return ", ".join([*told, *([f"{more} more under way"] if more > 0 else [])])


def _with_speed(work: Work) -> str:
    if not work.done:
        return format_duration(int(work.elapsed)) if work.total is None else ""
    done = format_size(work.done)
    if work.total:
        done += f" of {format_size(work.total)}"
    return f"{done}, {format_size(work.done / max(work.elapsed, 0.001))}/s"


def _briefly(work: Work) -> str:
    if work.total:
        return f"{min(100, work.done * 100 // work.total)} %"
    return format_size(work.done) if work.done else f"{int(work.elapsed)} s"
