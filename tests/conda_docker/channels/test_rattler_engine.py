"""Calls of rattler's work wherever they are made, and processes that make them end well."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import rattler
from rattler.exceptions import SolverError

from conda_docker.channels import rattler_engine
from conda_docker.channels.rattler_engine import run
from conda_docker.errors import SolverFailed
from python_docker import interruption
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage


@pytest.fixture
def channel(synthetic_channel: SyntheticChannel) -> SyntheticChannel:
    """Return a channel of one package."""
    synthetic_channel.add(SyntheticPackage(name="tool"))
    return synthetic_channel


def solve(channel: SyntheticChannel, spec: str = "tool") -> list[str]:
    records = run(lambda: rattler.solve([channel.url], [spec], platforms=["linux-64", "noarch"]))
    return [record.name.normalized for record in records]


def test_a_result(channel: SyntheticChannel) -> None:
    assert solve(channel) == ["tool"]


def test_an_error_of_rattlers(channel: SyntheticChannel) -> None:
    with pytest.raises(SolverError):
        solve(channel, "missing")


def test_inside_another_event_loop(channel: SyntheticChannel) -> None:
    async def notebook() -> list[str]:
        return solve(channel)

    assert asyncio.run(notebook()) == ["tool"]


def test_in_many_threads(channel: SyntheticChannel) -> None:
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda _: solve(channel), range(8))) == [["tool"]] * 8


def test_a_panic_is_an_error() -> None:
    class PanicException(BaseException):  # as PyO3 calls it, whose own cannot be imported
        pass

    async def panic() -> None:
        raise PanicException("index out of bounds at https://me:s3cret@host/c")

    with pytest.raises(SolverFailed, match="rattler broke down: index out of bounds at https://host/c"):
        run(panic)


def test_interrupted() -> None:
    cancelled = threading.Event()

    async def forever() -> None:
        try:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(forever)
    finally:
        signal.signal(signal.SIGINT, previous)
    assert cancelled.wait(120)


def test_interrupted_on_a_thread_that_no_signal_reaches(monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted = threading.Event()
    monkeypatch.setattr(interruption, "interrupted", interrupted)

    async def forever() -> None:
        interrupted.set()
        await asyncio.sleep(60)

    with ThreadPoolExecutor(1) as threads, pytest.raises(KeyboardInterrupt):
        threads.submit(run, forever).result(120)


def test_a_call_that_waits_for_a_thread_that_cannot_start_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_more(*_: object) -> int:
        raise RuntimeError("can't start new thread")  # as Python says it

    monkeypatch.setattr(rattler_engine, "start_new_thread", no_more)
    cancelled = threading.Event()

    async def forever() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with pytest.raises(RuntimeError, match="can't start new thread"):
        run(forever)
    assert cancelled.wait(120)


SHORT_SCRIPT = """
import sys, rattler
from conda_docker.channels.rattler_engine import run
records = run(lambda: rattler.solve([sys.argv[1]], ["tool"], platforms=["linux-64", "noarch"]))
sys.exit(len(records))
"""


def test_short_processes_end_well(channel: SyntheticChannel) -> None:
    """Without the wait at exit, 4 of 100 of these crash."""

    def script(_: int) -> int:
        return subprocess.run([sys.executable, "-c", SHORT_SCRIPT, channel.url], check=False).returncode

    with ThreadPoolExecutor(max(2, os.cpu_count() or 2)) as threads:
        assert list(threads.map(script, range(24))) == [1] * 24


def test_the_wait_at_exit_does_not_wait_for_other_threads(channel: SyntheticChannel) -> None:
    sleeper = "import threading, time\nthreading.Thread(target=time.sleep, args=(900,), daemon=True).start()\n"
    done = subprocess.run([sys.executable, "-c", sleeper + SHORT_SCRIPT, channel.url], check=False, timeout=200)
    assert done.returncode == 1
