"""Calls side by side."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import wait as wait_for
from functools import partial

import pytest

from python_docker.parallel import Stop, in_parallel


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
