"""Work that ends after some time, on whatever threads."""

from __future__ import annotations

import pytest

from python_docker.errors import OutOfTime
from python_docker.parallel import Stop, Threads, in_parallel
from python_docker.time_limit import at_most, check_time, pause, time_limit


def test_without_a_limit_everything_may_take_its_time() -> None:
    assert at_most(30) == 30
    check_time()


def test_a_limit_shortens_what_may_take_longer() -> None:
    with time_limit(6000):
        assert 5000 < at_most(10_000) <= 6000
        assert at_most(5) == 5
    assert at_most(100) == 100


def test_a_limit_within_another_ends_no_later() -> None:
    with time_limit(10), time_limit(1000):
        assert at_most(500) <= 10


def test_after_the_end_nothing_is_begun() -> None:
    with time_limit(0), pytest.raises(OutOfTime, match="longer than the 0 s that are allowed"):
        at_most(10)
    with time_limit(0), pytest.raises(OutOfTime, match=r"example\.org did not answer in time"):
        check_time("example.org")
    with time_limit(0), pytest.raises(OutOfTime):
        Stop().check()


def test_a_wait_ends_with_the_time() -> None:
    with time_limit(0.05), pytest.raises(OutOfTime):
        pause(10_000)


def test_threads_have_the_limit_of_whoever_gives_them_work() -> None:
    with Threads(1) as threads:
        with time_limit(60):
            bounded = threads.submit(at_most, 100)
            calls = [bound, bound]
            assert all(limit <= 60 for limit in in_parallel(calls, 2))
        assert bounded.result() <= 60
        assert threads.submit(at_most, 100).result() == 100


def bound() -> float:
    return at_most(100)
