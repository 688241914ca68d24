"""open_display: progress on standard error, as bars on a terminal and as plain lines elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from conda_docker.cli.terminal.output import Output, Verbosity
from conda_docker.cli.terminal.progress import Display, Lines


@contextmanager
def open_display(output: Output) -> Iterator[Display]:
    """Open the display that was asked for, else the one that fits the verbosity and what standard error is."""
    if output.quiet or output.progress == "none":
        yield Display(output)
    elif (
        output.progress != "plain"
        and output.verbosity is Verbosity.NORMAL
        and sys.stderr.isatty()
        and os.environ.get("TERM") != "dumb"
    ):
        from conda_docker.cli.terminal.bars import Terminal

        terminal = Terminal(output)
        with terminal.shown():
            yield terminal
    else:
        yield Lines(output)
