"""Every call into py-rattler that needs its asynchronous engine, and a process that ends well after it.

py-rattler's threads hand results to Python's event loop. A thread that is still at that when the interpreter shuts
down crashes the process: of 1100 short processes that solved once, 51 ended in an abort or a segmentation fault after
all their work was done (py-rattler 0.28, CPython 3.11, two cores). `run` therefore waits, at the interpreter's exit,
until no such thread is attached to it any more: of 1000 none crashed. See PyO3/pyo3-async-runtimes, issue 40.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import functools
import math
import threading
import time
from _thread import start_new_thread
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, Any, TypeVar

from conda_docker.errors import SolverFailed, TookTooLong
from conda_docker.redaction import public_text
from python_docker.errors import OutOfTime
from python_docker.interruption import LOOKING, check_interruption
from python_docker.time_limit import at_most

if TYPE_CHECKING:
    import asyncio

Result = TypeVar("Result")

_PATIENCE = 5.0
# Seconds; what a thread needs is microseconds, unless the machine is very busy.
_PAUSE = 0.05
# Seconds to wait where threads cannot be seen.


def run(call: Callable[[], Coroutine[Any, Any, Result]], *, seconds: float | None = None) -> Result:
    """Return the result of an asynchronous function of rattler's, such as `lambda: rattler.solve(...)`.

    It runs in an event loop of a thread of its own, so that this works in a notebook, inside another event loop and
    in any thread. Ctrl-C stops the wait and cancels the call, and so does the end of `seconds`, or of a
    `time_limit`. Raises what the function raises, `TookTooLong`, `OutOfTime`, `SolverFailed` where rattler itself
    breaks down, and what Python raises where no thread can be started.
    """
    import asyncio  # which takes long to import, and here alone is what is run

    _register_guard()
    longest = at_most(math.inf if seconds is None else seconds)
    outcome: Future[Result] = Future()
    running: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any] | None]] = Future()

    async def await_call() -> Result:
        running.set_result((asyncio.get_running_loop(), asyncio.current_task()))
        try:
            async with asyncio.timeout(None if longest == math.inf else longest) as limit:
                return await call()
        except TimeoutError:
            if not limit.expired():
                raise
            if seconds is None or longest < seconds:
                raise OutOfTime("finding packages, or downloading one, takes longer than is allowed here") from None
            raise TookTooLong(
                "finding packages takes longer than is allowed here: a channel does not answer in time, or too many "
                "packages fit; try again, name versions, or fewer packages"
            ) from None

    def work() -> None:
        try:
            outcome.set_result(asyncio.run(await_call()))
        except BaseException as error:  # whatever it is, it is raised where the result is awaited
            outcome.set_exception(error)

    thread = threading.Thread(target=work, name="rattler", daemon=True)
    try:
        thread.start()
        while not wait([outcome], LOOKING).done:
            check_interruption()
            # Where the engine cannot start one, it leaves work undone and says nothing: the call would never end.
            start_new_thread(_nothing, ())
            if not thread.is_alive() and not outcome.done():
                raise MemoryError("no memory was left to say what came of a call into rattler")
        return outcome.result()
    except BaseException as error:
        if not outcome.done():
            # The call may not have begun yet, or end by itself in this moment, and its loop be closed.
            with contextlib.suppress(RuntimeError, TimeoutError):
                loop, task = running.result(_PATIENCE if thread.is_alive() else 0)
                loop.call_soon_threadsafe(task.cancel if task is not None else loop.stop)
        # A panic of Rust's, as PyO3 (no Exception) and pyo3-async-runtimes call it.
        if type(error).__name__ in ("PanicException", "RustPanic"):
            raise SolverFailed(f"rattler broke down: {public_text(str(error))}") from error
        raise
    finally:
        if thread.is_alive():
            thread.join(_PATIENCE)


def _nothing() -> None:
    pass


@functools.cache  # once for each process
def _register_guard() -> None:
    count = _foreign_thread_counter()
    # Another library may have such threads of its own, which stay.
    atexit.register(_settle, count, count() if count is not None else 0)


def _settle(count: Callable[[], int] | None, others: int) -> None:
    if count is None:
        time.sleep(_PAUSE)
        return
    deadline = time.monotonic() + _PATIENCE
    quiet = 0
    # Two looks: a thread can be between the attachment that delivers a result and the one that lets go of it.
    while time.monotonic() < deadline:
        quiet = quiet + 1 if count() <= others else 0
        if quiet == 2:
            return
        time.sleep(0.0005)


def _foreign_thread_counter() -> Callable[[], int] | None:
    """Return a function that counts the threads attached to this interpreter that Python did not start.

    None where CPython does not say.
    """
    try:
        api = ctypes.pythonapi
        interpreter = ctypes.PYFUNCTYPE(ctypes.c_void_p)(("PyInterpreterState_Get", api))
        head = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(("PyInterpreterState_ThreadHead", api))
        following = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(("PyThreadState_Next", api))
    except (AttributeError, OSError, ValueError):
        return None

    def count() -> int:
        threads = 0
        state = head(interpreter())
        while state:
            threads += 1
            state = following(state)
        return threads - threading.active_count()

    return count
