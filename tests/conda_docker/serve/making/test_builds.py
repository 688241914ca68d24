"""One build for equal requests, a bounded number at once, in turn."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable
from functools import partial
from time import monotonic

import pytest

from conda_docker.serve.errors import StillBuilding, TooMany
from conda_docker.serve.making.builds import Builds
from python_docker.errors import NotFound, OutOfTime
from python_docker.time_limit import pause


def test_equal_requests_are_one_build() -> None:
    made = []

    async def ask() -> list[int]:
        builds = Builds(2, 10, 60)

        def work() -> int:
            made.append(1)
            return len(made)

        answers = await asyncio.gather(*(builds.run("key", f"client {number}", work, 120) for number in range(50)))
        builds.close()
        return answers

    assert asyncio.run(ask()) == [1] * 50
    assert made == [1]


def test_no_more_than_allowed_at_once() -> None:
    now, most = 0, 0
    lock, together = threading.Lock(), threading.Barrier(2)

    def work() -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        together.wait(120)
        with lock:
            now -= 1

    async def ask() -> None:
        builds = Builds(2, 100, 60)
        await asyncio.gather(*(builds.run(number, "client", work, 120) for number in range(20)))
        assert (builds.waiting, builds.under_way) == (0, 0)
        builds.close()

    asyncio.run(ask())
    assert most == 2


def test_clients_have_their_turns_whatever_the_number_of_their_requests() -> None:
    order: list[str] = []

    async def ask() -> None:
        builds = Builds(1, 100, 60)
        started, go = threading.Event(), threading.Event()

        def first() -> None:
            started.set()
            go.wait(120)

        waiting: list[Awaitable[None]] = [asyncio.create_task(builds.run("first", "greedy", first, 120))]
        await asyncio.to_thread(started.wait, 120)
        for client, number in [("greedy", 1), ("greedy", 2), ("greedy", 3), ("modest", 1)]:
            name = f"{client} {number}"
            waiting.append(asyncio.create_task(builds.run(name, client, partial(order.append, name), 120)))
        await asyncio.sleep(0)
        go.set()
        await asyncio.gather(*waiting)
        builds.close()

    asyncio.run(ask())
    assert order.index("modest 1") < order.index("greedy 2")


def test_a_queue_that_is_full() -> None:
    async def ask() -> None:
        builds = Builds(1, 1, 60)
        go = threading.Event()
        tasks = [asyncio.create_task(builds.run(number, "client", lambda: go.wait(120), 120)) for number in range(2)]
        await asyncio.sleep(0.01)
        with pytest.raises(TooMany):
            await builds.run("another", "client", lambda: None, 120)
        go.set()
        await asyncio.gather(*tasks)
        builds.close()

    asyncio.run(ask())


def test_whoever_loses_patience_finds_the_result_later() -> None:
    async def ask() -> None:
        builds = Builds(1, 1, 60)
        go = threading.Event()

        def work() -> str:
            go.wait(120)
            return "made"

        with pytest.raises(StillBuilding):
            await builds.run("key", "client", work, 0.01)
        later = asyncio.create_task(builds.run("key", "client", lambda: "made twice", 120))
        await asyncio.sleep(0)
        go.set()
        assert await later == "made"
        builds.close()

    asyncio.run(ask())


def test_an_error_reaches_everybody_and_is_not_kept() -> None:
    async def ask() -> None:
        builds = Builds(1, 10, 60)

        def fail() -> None:
            raise ValueError("broken")

        results = await asyncio.gather(*(builds.run("key", "c", fail, 120) for _ in range(3)), return_exceptions=True)
        assert [str(result) for result in results] == ["broken"] * 3
        assert await builds.run("key", "c", lambda: 1, 120) == 1
        builds.close()

    asyncio.run(ask())


def test_work_ends_after_the_time_that_it_may_take() -> None:
    async def ask() -> None:
        builds = Builds(1, 10, 0.01)

        def work() -> None:
            pause(10)

        with pytest.raises(OutOfTime):
            await builds.run("key", "client", work, 120)
        builds.close()

    asyncio.run(ask())


def test_an_error_that_took_long_to_find_is_told_again_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conda_docker.serve.making.builds._SLOW", 0.0)
    tries = []

    def work() -> None:
        tries.append(1)
        raise NotFound("there is no such thing")

    async def ask() -> None:
        builds = Builds(1, 10, 60)
        for _ in range(3):
            with pytest.raises(NotFound, match="no such thing"):
                await builds.run("key", "client", work, 120)
        monkeypatch.setattr("conda_docker.serve.making.builds.time.monotonic", lambda: monotonic() + 10_000)
        with pytest.raises(NotFound):
            await builds.run("key", "client", work, 120)
        builds.close()

    asyncio.run(ask())
    assert len(tries) == 2
