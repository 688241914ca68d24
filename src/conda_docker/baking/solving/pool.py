"""solve_all: many requests, solved in processes of their own side by side."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from queue import SimpleQueue
from typing import TYPE_CHECKING, cast

from conda_docker.baking.failure import Failure
from conda_docker.baking.solving.solution import Interned, Solution, portable
from conda_docker.baking.solving.solver import Answer, BaseAsked, Question, answer, answer_for
from conda_docker.bounded.calls import shared_processes
from conda_docker.bounded.process import BoundedProcess, ProcessDied, TookTooMuch
from conda_docker.environment.solve.errors import took_too_much
from conda_docker.errors import SolverFailed
from python_docker.progress import SILENT, Progress

if TYPE_CHECKING:
    from conda_docker.request import Request
    from python_docker.parallel import Stop

_ATTEMPTS = 2
"""How often a request is tried whose process dies: rattler may have crashed, or the system have run out of memory."""
_ADVICE = "it may have run out of memory: fewer at once take less (--jobs, --memory)"
_LEAVE = 1.0
"""Seconds to wait, when all is over, for a thread that still asks a registry; it ends with this process."""


def solve_all(
    requests: Sequence[tuple[str, Request]],
    *,
    jobs: int,
    memory: int | None = None,
    download: bool = True,
    stop: Stop,
    progress: Progress = SILENT,
) -> Iterator[tuple[int, tuple[Solution, ...] | Failure]]:
    """Yield the position of each request, which has a name for progress, with what it comes to, in any order.

    Up to `jobs` processes solve, which read each index of a channel once, and fewer where all of them together would
    take more than `memory` bytes: the first says how much one takes. One request, or one job, needs no process. When
    `stop` is set no more are begun.
    """
    interned = Interned()
    if min(jobs, len(requests)) <= 1:
        with shared_processes():
            for number, (name, request) in enumerate(requests):
                if stop.is_set():
                    return
                task = progress.start(f"solve {name}", None)
                found = answer(Question(request, download)).found
                task.finish()
                yield number, found if isinstance(found, Failure) else interned.solutions(found)
        return
    from conda_docker.image.base.opening import shared_bases

    with shared_bases():
        pool = _Pool(requests, min(jobs, len(requests)), memory, download, stop, progress)
        try:
            for _ in requests:
                event = pool.answers.get()
                if event is None:
                    return
                number, found = event
                yield number, found if isinstance(found, Failure) else interned.solutions(found)
        finally:
            pool.close()


class _Pool:
    """Threads with a process each; how many of them go on depends on what their processes take."""

    def __init__(
        self,
        requests: Sequence[tuple[str, Request]],
        jobs: int,
        memory: int | None,
        download: bool,
        stop: Stop,
        progress: Progress,
    ) -> None:
        self.answers: SimpleQueue[tuple[int, tuple[Solution, ...] | Failure] | None] = SimpleQueue()
        self._requests = requests
        self._jobs = jobs
        self._memory = memory
        self._download = download
        self._stop = stop
        self._progress = progress
        self._largest = 0
        self._next = 0
        self._closed = False
        self._changed = threading.Condition()
        self._processes: dict[int, BoundedProcess] = {}
        stop.future.add_done_callback(lambda _: self._wake())
        self._threads = [
            threading.Thread(target=self._work, args=[place], name=f"solve-{place}", daemon=True)
            for place in range(jobs)
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """End all processes, whatever they are at."""
        with self._changed:
            self._closed = True
            processes = list(self._processes.values())
            self._changed.notify_all()
        for process in processes:
            process.close()
        for thread in self._threads:
            thread.join(_LEAVE)

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
        self.answers.put(None)

    def _over(self) -> bool:
        return self._closed or self._stop.is_set() or self._next >= len(self._requests)

    def _allowed(self) -> int:
        """Return how many processes may be at work."""
        if self._memory is None:
            return self._jobs
        if not self._largest:
            return 1
        return max(1, min(self._jobs, self._memory // self._largest))

    def _take(self, place: int) -> int | None:
        """Return the next request for the thread at a place, None when there is none for it any more."""
        with self._changed:
            while not self._over() and place >= self._allowed():
                if self._largest:
                    return None
                self._changed.wait()
            if self._over():
                return None
            self._next += 1
            return self._next - 1

    def _work(self, place: int) -> None:
        try:
            while (number := self._take(place)) is not None:
                name, request = self._requests[number]
                try:
                    task = self._progress.start(f"solve {name}", None)
                    found = self._ask(place, request)
                    task.finish()
                except BaseException as error:  # the terminal's display says that all is over by an exception
                    found = Failure.of(error)
                self.answers.put((number, found))
        finally:
            self._end(place)

    def _ask(self, place: int, request: Request) -> tuple[Solution, ...] | Failure:
        question = Question(portable(request), self._download)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                got = self._process(place).call(
                    answer_for, question, asked=lambda asked: _digest_of(cast("BaseAsked", asked), request)
                )
            except TookTooMuch:
                self._end(place)
                return Failure.of(took_too_much(request.channels))
            except ProcessDied as error:
                self._end(place)
                if attempt < _ATTEMPTS and not self._closed:
                    continue
                return Failure.of(SolverFailed(f"{error}, {_ATTEMPTS} times; {_ADVICE}"))
            assert isinstance(got, Answer)
            with self._changed:
                self._largest = max(self._largest, got.memory, 1)
                self._changed.notify_all()
            return got.found
        raise AssertionError("the last attempt returns")

    def _process(self, place: int) -> BoundedProcess:
        """Return the process of a place, which is started with its first question."""
        with self._changed:
            if self._closed:
                raise ProcessDied("nobody waits for an answer any more")
            if place not in self._processes:
                self._processes[place] = BoundedProcess()
            return self._processes[place]

    def _end(self, place: int) -> None:
        with self._changed:
            process = self._processes.pop(place, None)
        if process is not None:
            process.close()


def _digest_of(asked: BaseAsked, request: Request) -> str | Failure:
    """Return which image the name of a base means, which is opened once for all processes."""
    from conda_docker.image.base.opening import open_base

    try:
        base = open_base(asked.location, asked.platform, asked.cache_dir, registry=request.base_registry)
        return "" if base is None else str(base.manifest.digest)
    except Exception as error:
        return Failure.of(error)
