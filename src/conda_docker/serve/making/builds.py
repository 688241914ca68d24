"""Builds: one for equal requests, a bounded number at once, and in turn for the clients that wait."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, cast

from conda_docker.serve.errors import StillBuilding, TooMany
from python_docker.errors import Error
from python_docker.time_limit import time_limit

T = TypeVar("T")

_SLOW = 5.0  # seconds
_TOLD_AGAIN = 30.0  # seconds
_TOLD = 100  # errors


class Builds:
    """Runs blocking work on threads, up to `at_once`; up to `waiting` more wait for their turn.

    Turns go round the clients that wait, whatever the number of their requests. Work with a key that is under way
    already is not begun again: whoever asks waits for the same. An error that took long to find is told again for a
    while, since clients ask more than once: Docker twice, Podman four times, containerd six. Work ends with `OutOfTime`
    after `seconds`, which do not count its wait. All methods are for one event loop.
    """

    def __init__(self, at_once: int, waiting: int, seconds: float) -> None:
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="build")
        self._free = at_once
        self._most_waiting = waiting
        self._running: dict[Hashable, asyncio.Task[object]] = {}
        self._queues: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._seconds = seconds
        self._failed: OrderedDict[Hashable, tuple[float, Error]] = OrderedDict()

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return sum(map(len, self._queues.values()))

    @property
    def under_way(self) -> int:
        """How many run or wait."""
        return len(self._running)

    def is_under_way(self, key: Hashable) -> bool:
        """Return whether work with a key runs or waits, or has just failed, so that more requests cost nothing."""
        return key in self._running or self._failure(key) is not None

    async def run(self, key: Hashable, client: str, work: Callable[[], T], patience: float) -> T:
        """Return what `work` returns, or what equal work that is under way does.

        Raises `StillBuilding` after `patience` seconds, while the work goes on, and `TooMany` when too many wait.
        """
        task = self._running.get(key)
        if task is None:
            failure = self._failure(key)
            if failure is not None:
                raise failure.with_traceback(None)  # else it grows, and keeps all that its frames hold
            if not self._free and self.waiting >= self._most_waiting:
                raise TooMany("too many builds are waiting on this server; try again later", 60)
            task = asyncio.create_task(self._work(key, client, work))
            self._running[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))
        try:
            return cast("T", await asyncio.wait_for(asyncio.shield(task), patience))
        except TimeoutError:
            if task.done():
                raise
            raise StillBuilding(
                f"the image is still being made after {patience:.0f} s; ask for it again in a while", 30
            ) from None

    def close(self) -> None:
        """Begin no more work."""
        for task in self._running.values():
            task.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _work(self, key: Hashable, client: str, work: Callable[[], object]) -> object:
        def bounded() -> object:
            with time_limit(self._seconds):
                return work()

        await self._turn(client)
        begun = time.monotonic()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, bounded)
        except Error as error:
            if time.monotonic() - begun > _SLOW:
                self._remember(key, error)
            raise
        finally:
            self._next()

    def _remember(self, key: Hashable, error: Error) -> None:
        error.__context__ = error.__cause__ = None
        self._failed[key] = time.monotonic() + _TOLD_AGAIN, error
        while len(self._failed) > _TOLD:
            self._failed.popitem(last=False)

    def _failure(self, key: Hashable) -> Error | None:
        """Return the error that work with a key ended with a moment ago."""
        until, error = self._failed.get(key, (0.0, None))
        if until < time.monotonic():
            self._failed.pop(key, None)
            return None
        return error

    async def _turn(self, client: str) -> None:
        if self._free:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(client, deque()).append(turn)
        await turn

    def _next(self) -> None:
        """Give the turn to the first client in the row, which goes to its end."""
        while self._queues:
            client, queue = self._queues.popitem(last=False)
            turn = queue.popleft()
            if queue:
                self._queues[client] = queue
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def _forget(self, key: Hashable, task: asyncio.Task[object]) -> None:
        self._running.pop(key, None)
        if not task.cancelled():
            task.exception()  # somebody has heard it, or nobody waits any more
