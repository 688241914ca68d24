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
    """Open the display that fits the verbosity and what standard error is."""
    if output.quiet:
        yield Display(output)
    elif output.verbosity is Verbosity.NORMAL and sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        from conda_docker.cli.terminal.bars import Terminal

        terminal = Terminal(output)
        with terminal.shown():
            yield terminal
    else:
        yield Lines(output)
