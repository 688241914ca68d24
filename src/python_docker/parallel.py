"""Calls side by side: results in order, and an end to all of them as soon as one fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, CancelledError, Future, InvalidStateError, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Generic, ParamSpec, TypeVar

from python_docker.time_limit import check_time

if TYPE_CHECKING:
    from python_docker.progress import Task

K = TypeVar("K", bound=Hashable)
P = ParamSpec("P")
T = TypeVar("T")


class Threads(ThreadPoolExecutor):
    """Threads whose work is done in a copy of the context of whoever submits it: the same limit of time holds for it.

    >>> from python_docker.time_limit import at_most, time_limit
    >>> with time_limit(60), Threads(1) as threads:
    ...     threads.submit(at_most, 100).result() <= 60
    True
    """

    def submit(self, work: Callable[P, T], /, *arguments: P.args, **named: P.kwargs) -> Future[T]:
        return super().submit(copy_context().run, partial(work, *arguments, **named))


class Stop:
    """Says to all parts of some work, on whatever threads they are, that it is in vain.

    `future` is done as soon as it was said, so that a thread can wait for it together with what it waits for anyway.

    >>> stop = Stop()
    >>> stop.set(OSError("the disk is full"))
    >>> stop.is_set(), stop.cause
    (True, OSError('the disk is full'))
    """

    def __init__(self) -> None:
        self.future: Future[None] = Future()

    def set(self, cause: BaseException | None = None) -> None:
        """Have the work end. The first `cause` that is given counts."""
        with suppress(InvalidStateError):
            self.future.set_exception(CancelledError() if cause is None else cause)

    def is_set(self) -> bool:
        """Return whether the work is to end."""
        return self.future.done()

    @property
    def cause(self) -> BaseException | None:
        """The error that ended the work; None while it goes on, and where it was just given up."""
        error = self.future.exception() if self.future.done() else None
        return None if isinstance(error, CancelledError) else error

    def check(self) -> None:
        """Raise `CancelledError` when the work is to end, and `OutOfTime` when its time is over."""
        if self.is_set():
            raise CancelledError
        check_time()

    def guard(self, task: Task) -> Task:
        """Return `task` as one that raises `CancelledError` when it hears of work that is in vain."""
        return _Guarded(task, self)


class _Guarded:
    def __init__(self, task: Task, stop: Stop) -> None:
        self._task = task
        self._stop = stop

    def advance(self, size: int) -> None:
        self._stop.check()
        self._task.advance(size)

    def finish(self, outcome: str = "") -> None:
        self._task.finish(outcome)


class Shared(Generic[K, T]):
    """Values that are made once for all who ask for them within a block, on whatever threads; elsewhere each time.

    >>> shared = Shared[str, list[int]]()
    >>> with shared.block():
    ...     shared.get("a", list) is shared.get("a", list)
    True
    >>> shared.get("a", list) is shared.get("a", list)
    False
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._counting = threading.Lock()  # whoever leaves a block does not wait for what is being made
        self._blocks = 0
        self._values: dict[K, T] = {}

    @contextmanager
    def block(self) -> Iterator[None]:
        """Keep what is made until the last of the blocks that are open is left."""
        with self._counting:
            self._blocks += 1
        try:
            yield
        finally:
            with self._counting:
                self._blocks -= 1
                if not self._blocks:
                    self._values = {}

    def keep(self) -> None:
        """Keep what is made from now on until this process ends, as within a block that is never left."""
        with self._counting:
            self._blocks += 1

    def get(self, key: K, make: Callable[[], T]) -> T:
        """Return the value of a key, which `make` makes if it is not there; one at a time within blocks."""
        with self._lock:
            if self._blocks:
                values = self._values
                if key not in values:
                    values[key] = make()
                return values[key]
        return make()


def in_parallel(calls: Sequence[Callable[[], T]], workers: int, stop: Stop | None = None) -> list[T]:
    """Return the results of `calls` in their order, made by at most `workers` threads.

    After an error, or an interruption of this thread, no more are begun, and `stop` is set for those under way.
    """
    if workers <= 1 or len(calls) <= 1:
        return [call() for call in calls]
    stop = stop or Stop()

    def begin(call: Callable[[], T]) -> T:
        stop.check()
        try:
            return call()
        except BaseException as error:
            stop.set(error)
            raise

    with Threads(min(workers, len(calls)), thread_name_prefix="copy") as pool:
        futures = [pool.submit(begin, call) for call in calls]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        except BaseException as error:
            # It is this thread that is interrupted.
            stop.set(error)
            raise
    for future in futures:
        failure = future.exception()
        if failure is not None and not isinstance(failure, CancelledError):
            raise failure
    return [future.result() for future in futures]
