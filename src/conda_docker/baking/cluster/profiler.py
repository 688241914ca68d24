"""without_profiler: Dask's profiler is stopped in workers whose Python may hang by it.

It looks at the frames of all threads, many times a second. Until 3.11.9, CPython 3.11 held a lock of the interpreter
while it collected them; where the garbage collector ran in that moment and closed a file, and another thread began a
thread, the process stood still for ever (CPython's issue 106883). Tasks of this program start threads and open files.
"""

from __future__ import annotations

import sys
import threading

_FIRST, _MENDED = (3, 11, 0), (3, 11, 9)
_PATIENCE = 5.0  # seconds until the worker's loop has stopped it


def may_hang(version: tuple[int, int, int]) -> bool:
    """Return whether a release of CPython has that fault.

    >>> may_hang((3, 11, 8)), may_hang((3, 11, 9))
    (True, False)
    """
    return _FIRST <= version < _MENDED


def without_profiler() -> None:
    """Stop the profiler of the worker that this runs in, where its Python may hang by it."""
    if not may_hang(sys.version_info[:3]):
        return
    from distributed import get_worker

    try:
        worker = get_worker()
    except ValueError:  # this is no worker
        return
    profiler = worker.periodic_callbacks.get("profile")
    if profiler is None or not profiler.is_running():
        return
    stopped = threading.Event()

    def stop() -> None:
        profiler.stop()
        stopped.set()

    worker.loop.add_callback(stop)
    stopped.wait(_PATIENCE)
