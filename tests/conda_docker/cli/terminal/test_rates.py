"""How fast something goes now."""

from __future__ import annotations

import pytest

from conda_docker.cli.terminal.rates import Rate


def test_a_steady_rate_is_that_rate() -> None:
    rate = Rate(10.0)
    assert [rate.at(1000 * second, 10.0 + second) for second in (1, 2, 5)] == pytest.approx([1000.0] * 3)


def test_what_stalls_goes_to_zero() -> None:
    rate = Rate(0.0)
    rate.at(100_000, 1.0)
    rates = [rate.at(100_000, 1.0 + second) for second in range(1, 30)]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 10


def test_what_begins_again_is_not_negative() -> None:
    rate = Rate(0.0)
    rate.at(100_000, 1.0)
    assert rate.at(0, 2.0) >= 0


def test_no_time_has_gone_by() -> None:
    assert Rate(5.0).at(100, 5.0) == 0
