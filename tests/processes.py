"""Programs that run while a test does something else: none outlives it, however the test ends."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import AnyStr

LONG = 120.0
"""Seconds in which whatever is to happen has happened, on the busiest machine. No test waits for them to pass."""


@contextmanager
def ended_with_us(process: subprocess.Popen[AnyStr]) -> Iterator[subprocess.Popen[AnyStr]]:
    """Give a process that is killed at the end of the block unless it has ended, and close its pipes then.

    One that a failed test leaves behind is a warning in the next test, which fails for it.

        with ended_with_us(subprocess.Popen(command, stdout=subprocess.PIPE)) as process:
    """
    try:
        yield process
    finally:
        process.kill()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with suppress(OSError):  # nobody reads what was not sent yet
                    pipe.close()
        process.wait()


def wait_for(condition: Callable[[], object], process: subprocess.Popen[AnyStr] | None = None) -> None:
    """Return once the condition is true; fail when the process ends before, or after `LONG` seconds."""
    deadline = time.monotonic() + LONG
    while not condition():
        assert process is None or process.poll() is None, f"the process ended with {process.returncode}"
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.01)
