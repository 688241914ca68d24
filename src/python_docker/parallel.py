"""Calls side by side: results in order, and an end to all of them as soon as one fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, CancelledError, ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")


def in_parallel(calls: Sequence[Callable[[], T]], workers: int, stop: threading.Event | None = None) -> list[T]:
    """Return the results of `calls` in their order, made by at most `workers` threads.

    After an error, or an interruption of this thread, no more are begun, and `stop` is set for those under way.
    """
    if workers <= 1 or len(calls) <= 1:
        return [call() for call in calls]
    stop = stop or threading.Event()

    def begin(call: Callable[[], T]) -> T:
        if stop.is_set():
            raise CancelledError
        try:
            return call()
        except BaseException:
            stop.set()
            raise

    with ThreadPoolExecutor(min(workers, len(calls)), thread_name_prefix="copy") as pool:
        futures = [pool.submit(begin, call) for call in calls]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            # Also when it is this thread that is interrupted.
            stop.set()
    for future in futures:
        error = future.exception()
        if error is not None and not isinstance(error, CancelledError):
            raise error
    return [future.result() for future in futures]
