"""without_profiler: Dask's profiler is stopped in workers whose Python may hang by it.

It looks at the frames of all threads, many times a second. CPython 3.11 holds a lock of the interpreter while it
collects them; where the garbage collector runs in that moment and closes a file, and another thread begins a thread,
the process stands still for ever (CPython's issue 106883, which late security releases of 3.11 mend). Tasks of this
program start threads and open files. Of its own loops Dask does without a profile in 3.11, but not of tasks.
"""

from __future__ import annotations

import sys
import threading

_FAULTY = (3, 11)
_PATIENCE = 5.0  # seconds until the worker's loop has stopped it


def may_hang(version: tuple[int, int, int]) -> bool:
    """Return whether a release of CPython may have that fault.

    >>> may_hang((3, 11, 9)), may_hang((3, 12, 0))
    (True, False)
    """
    return version[:2] == _FAULTY


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
