"""under_way: a script of a package, of which nothing is known while it runs but that it does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from python_docker.progress import Progress

_INTERVAL = 5.0  # seconds


@contextmanager
def under_way(progress: Progress, label: str) -> Iterator[None]:
    """Report what the block does as work called `label`, again and again, so that one without end can be seen."""
    task = progress.start(label, None)
    ended = threading.Event()

    def report() -> None:
        with suppress(KeyboardInterrupt):  # the command is to end early, of which the block hears itself
            while not ended.wait(_INTERVAL):
                task.advance(0)

    reporting = threading.Thread(target=report, name=label, daemon=True)
    reporting.start()
    try:
        yield
    finally:
        ended.set()
        reporting.join()
    task.finish()
