"""Constant powers are what exact arithmetic has, whatever C library the compiler asks."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_docker.link.bytecode import powers, worker
from conda_docker.link.bytecode.powers import exact_power, rounded_powers


def by_decimals(base: float, exponent: float) -> float:
    with localcontext() as context:
        context.prec = 60
        return float(Decimal(base) ** Decimal(exponent))


@given(st.floats(1e-300, 1e300) | st.integers(1, 1 << 70), st.floats(-40, 40) | st.integers(-400, 400))
def test_a_power_is_rounded_once(base: float, exponent: float) -> None:
    expected = by_decimals(base, exponent)
    if math.isinf(expected):
        with pytest.raises(OverflowError):
            exact_power(base, exponent)
    else:
        assert exact_power(base, exponent) == expected


@pytest.mark.parametrize(
    ("base", "exponent"), [(-2.0, 3), (-2.0, 2.0), (0.0, 2), (1.0, 0.5), (2.0, -1074), (2.0, -1080), (4.0, 0.5)]
)
def test_powers_that_are_exact(base: float, exponent: float) -> None:
    assert exact_power(base, exponent) == base**exponent


@pytest.fixture
def wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a C library that rounds all powers up."""
    monkeypatch.setattr(powers, "_library_power", lambda base, exponent: math.nextafter(base**exponent, math.inf))


@pytest.mark.usefixtures("wrong")
@pytest.mark.parametrize(
    ("source", "exact"),
    [
        (b"10 ** -3", [0.001]),
        (b"x = (2 ** 0.5, -(3 ** -1), 0 + 10 ** -2 * 4)", [2**0.5, -(3**-1), 0.04]),
        (b"def f(a=1.5 **\\\n  2.5): return [1.1 ** (1 << 4)]", [1.5**2.5, 1.1**16]),
        (b"2 ** 64 ** 2, 7 // 2 ** 2, 5 % 3 ** 2", []),
        (b"x ** 2, f(**{}), 2 ** n, 1j ** 0.5, (-8) ** 0.5, 10 ** 10 ** 10, 1 ** '', 0 ** -1", []),
    ],
)
def test_what_is_rounded_otherwise_is_found(source: bytes, exact: list[float]) -> None:
    assert sorted(rounded_powers(source).values()) == pytest.approx(sorted(exact), rel=1e-15, abs=0)


@pytest.mark.usefixtures("wrong")
def test_expressions_that_are_too_deep_are_left_as_they_are() -> None:
    assert rounded_powers(b"x = 2 ** 0.5" + b" + 1" * 3000) == {}


def test_many_stars_are_looked_at_in_one_pass() -> None:
    assert rounded_powers(b"f(**a)\n" * 300_000) == {}  # for minutes, if each looked back to the beginning


@pytest.mark.parametrize("source", [b"x = 1", b"def f(**k): return g(**k)", b"x ** y, z**\n"])
def test_modules_without_powers_of_numbers_are_not_looked_into(source: bytes) -> None:
    assert rounded_powers(source) == {}  # the last one could not even be parsed


def test_here_and_now_few_are_rounded_otherwise() -> None:
    assert rounded_powers(b"x = 10 ** -3, 2 ** 0.5, 1e-3 ** 2") == {}


def test_they_take_the_place_of_what_was_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    source = b"x = 10 ** -3, 7.0\ndef f(y): return y in {10 ** -3}"
    before = worker.compile_module(b"/m.py", source)
    monkeypatch.setattr(worker, "rounded_powers", lambda source: {0.001: 0.25})
    after = worker.compile_module(b"/m.py", source.replace(b"10 ** -3", b"0.25"))
    made = worker.compile_module(b"/m.py", source)
    assert made != before
    assert made.count((0.25).hex().encode()) == after.count((0.25).hex().encode())
    import marshal

    constants = marshal.loads(made[21:]).co_consts
    assert (0.25, 7.0) in constants
