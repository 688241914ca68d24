"""time_limit: the end of all work in a block, on whatever threads, where it waits for others most of all.

Requests over HTTP, waits before another try and long writing look at it; whoever else may take long can.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from python_docker.errors import OutOfTime
from python_docker.interruption import LOOKING, check_interruption

_end: ContextVar[tuple[float, float] | None] = ContextVar("end", default=None)  # when, and after how many seconds


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Have the work in the block end with `OutOfTime` after some seconds; blocks within it end no later.

    That holds for this thread, and those that work in a copy of its context (`python_docker.parallel.Threads`).

    >>> with time_limit(60):
    ...     at_most(100) <= 60
    True
    """
    outer, end = _end.get(), (time.monotonic() + seconds, seconds)
    before = _end.set(end if outer is None else min(outer, end))
    try:
        yield
    finally:
        _end.reset(before)


def at_most(seconds: float) -> float:
    """Return how long something may take that may take some seconds by itself.

    Raises `OutOfTime` when no time is left.

    >>> at_most(30)
    30
    """
    end = _end.get()
    if end is None:
        return seconds
    left = end[0] - time.monotonic()
    if left <= 0:
        raise OutOfTime(_over(end[1]))
    return min(seconds, left)


def check_time(waiting_for: str = "") -> None:
    """Raise `OutOfTime` when no time is left, which names the host that was waited for."""
    end = _end.get()
    if end is not None and time.monotonic() >= end[0]:
        raise OutOfTime(_over(end[1]) + (f"; {waiting_for} did not answer in time" if waiting_for else ""))


def pause(seconds: float) -> None:
    """Wait. Raises `OutOfTime` at the end of the time, if that is sooner, `KeyboardInterrupt` where the process ends.

    Not by `Event.wait`: a signal that comes in the midst of it, and sets the event, would wait for itself.
    """
    end = time.monotonic() + at_most(seconds)
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, LOOKING))
        check_interruption()
    check_time()


def _over(seconds: float) -> str:
    return f"this takes longer than the {seconds:g} s that are allowed"
