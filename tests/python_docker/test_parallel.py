"""Calls side by side."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from functools import partial

import pytest

from python_docker.parallel import Shared, Stop, in_parallel


@pytest.mark.parametrize("workers", [1, 3])
def test_results_are_in_the_order_of_the_calls(workers: int) -> None:
    assert in_parallel([partial(int, str(number)) for number in range(20)], workers) == list(range(20))


def test_after_an_error_no_more_calls_begin() -> None:
    stop, begun = Stop(), []

    def fail() -> None:
        raise ValueError("broken")

    def wait(number: int) -> None:
        begun.append(number)
        wait_for([stop.future], 10)

    calls: list[Callable[[], None]] = [partial(wait, 0), fail, *(partial(wait, number) for number in range(1, 100))]
    with pytest.raises(ValueError, match="broken"):
        in_parallel(calls, 2, stop)
    assert stop.is_set()
    assert len(begun) < 5
    assert isinstance(stop.cause, ValueError)


def test_shared_values_are_made_once_by_any_number_of_threads() -> None:
    shared, made = Shared[str, int](), []

    def make() -> int:
        made.append(1)
        return len(made)

    with shared.block(), ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: shared.get("key", make), range(50))) == {1}
        with shared.block():
            pass
        assert shared.get("key", make) == 1  # the outer block goes on
    assert shared.get("key", make) == 2
    assert shared.get("key", make) == 3
