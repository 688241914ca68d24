"""bounded_call: a call in a process of its own, whose memory is bounded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar, cast

from conda_docker.bounded.limit import Bounds, bounded, usual_bounds
from conda_docker.bounded.process import BoundedProcess
from conda_docker.bounded.program import is_bounded
from python_docker.errors import Error

T = TypeVar("T")


class _Kept:
    """Processes that have answered calls within `shared_processes` and wait for others."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocks = 0
        self._idle: list[BoundedProcess] = []

    def enter(self) -> None:
        with self._lock:
            self._blocks += 1

    def leave(self) -> None:
        with self._lock:
            self._blocks -= 1
            ended = [] if self._blocks else list(self._idle)
            if not self._blocks:
                self._idle.clear()
        for process in ended:
            process.close()

    def add(self, process: BoundedProcess) -> None:
        with self._lock:
            self._idle.append(process)

    def remove(self, process: BoundedProcess) -> bool:
        """Return whether the process was still there."""
        with self._lock:
            is_there = process in self._idle
            if is_there:
                self._idle.remove(process)
            return is_there

    def take(self) -> BoundedProcess | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def give_back(self, process: BoundedProcess) -> bool:
        """Return whether the process is kept."""
        with self._lock:
            is_kept = self._blocks > 0 and process.is_idle
            if is_kept:
                self._idle.append(process)
            return is_kept


_kept = _Kept()


def bounded_call(function: Callable[..., T], *arguments: object) -> T:
    """Return what a function of a module returns, called where it cannot go beyond `usual_bounds()`.

    In a process that was started for such calls, that is this one. Raises what `BoundedProcess.call` raises.
    """
    bounds = usual_bounds()
    if is_bounded():
        return call_within(bounds, function, *arguments)
    with bounded_process() as process:
        return cast("T", process.call(call_within, bounds, function, *arguments))


def call_within(bounds: Bounds, function: Callable[..., T], *arguments: object) -> T:
    """Return what a function returns, in this process, which may end if that goes beyond `bounds`."""
    with bounded(bounds):
        return function(*arguments)


@contextmanager
def bounded_process() -> Iterator[BoundedProcess]:
    """Give a process for some calls: one that has answered others, within `shared_processes`, else a new one."""
    process = _kept.take()
    if process is not None and not process.is_idle:  # it has died meanwhile
        process.close()
        process = None
    process = process or BoundedProcess()
    try:
        yield process
    finally:
        if not _kept.give_back(process):
            process.close()


@contextmanager
def process_ahead(*modules: str) -> Iterator[None]:
    """Have a process that the first call within the block is for start now, and import what that will need.

    Where none can be started, the call says why.
    """
    try:
        process = BoundedProcess(modules)
    except (Error, OSError):
        yield
        return
    _kept.add(process)
    try:
        yield
    finally:
        if _kept.remove(process):
            process.close()


@contextmanager
def shared_processes() -> Iterator[None]:
    """Have calls within the block, on whatever threads, use the processes of calls before them.

    These read each index of a channel once.
    """
    _kept.enter()
    try:
        yield
    finally:
        _kept.leave()
