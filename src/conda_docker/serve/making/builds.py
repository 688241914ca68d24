"""Builds: one for equal requests, a bounded number at once, and in turn for the clients that wait."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, cast

from conda_docker.serve.errors import StillBuilding, TooMany

T = TypeVar("T")


class Builds:
    """Runs blocking work on threads, up to `at_once`; up to `waiting` more wait for their turn.

    Turns go round the clients that wait, whatever the number of their requests. Work with a key that is under way
    already is not begun again: whoever asks waits for the same. All methods are for one event loop.
    """

    def __init__(self, at_once: int, waiting: int) -> None:
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="build")
        self._free = at_once
        self._most_waiting = waiting
        self._running: dict[Hashable, asyncio.Task[object]] = {}
        self._queues: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return sum(map(len, self._queues.values()))

    @property
    def under_way(self) -> int:
        """How many run or wait."""
        return len(self._running)

    def is_under_way(self, key: Hashable) -> bool:
        """Return whether work with a key runs or waits, so that more requests for it cost nothing."""
        return key in self._running

    async def run(self, key: Hashable, client: str, work: Callable[[], T], patience: float) -> T:
        """Return what `work` returns, or what equal work that is under way does.

        Raises `StillBuilding` after `patience` seconds, while the work goes on, and `TooMany` when too many wait.
        """
        task = self._running.get(key)
        if task is None:
            if not self._free and self.waiting >= self._most_waiting:
                raise TooMany("too many builds are waiting on this server; try again later", 60)
            task = asyncio.create_task(self._work(client, work))
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

    async def _work(self, client: str, work: Callable[[], object]) -> object:
        await self._turn(client)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._next()

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
