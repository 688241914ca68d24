"""solve_all: many requests, solved in processes of their own side by side."""

from __future__ import annotations

import logging
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from conda_docker.baking.failure import Failure
from conda_docker.baking.solving.solution import Interned, Solution, portable
from conda_docker.baking.solving.solver import Answer, BaseAsked, Question, answer
from conda_docker.errors import SolverFailed
from python_docker.programs import PYTHON_FLAGS, Program
from python_docker.progress import SILENT, Progress

if TYPE_CHECKING:
    from conda_docker.request import Request
    from python_docker.parallel import Stop

_ATTEMPTS = 2
"""How often a request is tried whose process dies: rattler may have crashed, or the system have run out of memory."""
_LEAVE = 1.0
"""Seconds to wait, when all is over, for a thread that still asks a registry; it ends with this process."""
_PROGRAM = "import sys; sys.path[:] = {path!r}; from conda_docker.baking.solving.solver import main; main()"


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
        from conda_docker.channels.rattler_client import shared_gateways

        with shared_gateways():
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
        self._processes: dict[int, _Process] = {}
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
            process.end()
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
        process = _Process()
        with self._changed:
            self._processes[place] = process
        try:
            while (number := self._take(place)) is not None:
                name, request = self._requests[number]
                try:
                    task = self._progress.start(f"solve {name}", None)
                    found = self._ask(process, request)
                    task.finish()
                except BaseException as error:  # the terminal's display says that all is over by an exception
                    found = Failure.of(error)
                self.answers.put((number, found))
        finally:
            process.kill()

    def _ask(self, process: _Process, request: Request) -> tuple[Solution, ...] | Failure:
        question = Question(portable(request), self._download)
        for _ in range(_ATTEMPTS):
            try:
                got = process.ask(question, lambda asked: _digest_of(asked, request))
            except (EOFError, OSError, pickle.UnpicklingError):
                process.kill()
                if self._closed:
                    break
                continue
            with self._changed:
                self._largest = max(self._largest, got.memory, 1)
                self._changed.notify_all()
            for logger, level, message in got.logged:
                logging.getLogger(logger).log(level, "%s", message)
            return got.found
        code = process.code
        return Failure.of(
            SolverFailed(
                f"the process that solves ended {_ATTEMPTS} times without an answer (exit code {code}); it may have "
                "run out of memory: fewer at once take less (--jobs, --memory)"
            )
        )


def _digest_of(asked: BaseAsked, request: Request) -> str | Failure:
    """Return which image the name of a base means, which is opened once for all processes."""
    from conda_docker.image.base.opening import open_base

    try:
        base = open_base(asked.location, asked.platform, asked.cache_dir, registry=request.base_registry)
        return "" if base is None else str(base.manifest.digest)
    except Exception as error:
        return Failure.of(error)


class _Process:
    """A process that answers one question after the other; it is started with the first."""

    def __init__(self) -> None:
        self.code: int | None = None
        self._process: Program | None = None
        self._lock = threading.Lock()
        self._ended = False

    def ask(self, question: Question, digest_of: Callable[[BaseAsked], str | Failure]) -> Answer:
        """Return the answer; what the process asks back, `digest_of` answers.

        Raises `EOFError` or `OSError` when the process has ended.
        """
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        said: Question | str | Failure = question
        while True:
            pickle.dump(said, process.stdin)
            process.stdin.flush()
            found = pickle.load(process.stdout)  # noqa: S301 -- of the process that was started here
            if isinstance(found, Answer):
                return found
            if not isinstance(found, BaseAsked):
                raise EOFError("what came is not an answer")
            said = digest_of(found)

    def end(self) -> None:
        """End the process; there is no other one after it."""
        with self._lock:
            self._ended = True
        self.kill()

    def kill(self) -> None:
        """End the process, whatever it is at; another question starts a new one."""
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        self.code = process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()

    def _started(self) -> Program:
        with self._lock:
            if self._ended:
                raise EOFError("nobody waits for an answer any more")
            if self._process is None:
                path = [os.path.abspath(folder) for folder in sys.path if folder]  # noqa: PTH100 -- links stay
                self._process = Program(
                    [sys.executable, *PYTHON_FLAGS, "-c", _PROGRAM.format(path=path)],
                    # This very program goes on there: with relative paths and all variables of the user's.
                    folder=Path.cwd(),
                    environ=os.environ,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    # Ctrl-C is for the process that waits, which ends this one.
                    new_session=True,
                )
            return self._process
