"""Sizes, durations and tables."""

from __future__ import annotations

import pytest

from conda_docker.cli.terminal.report import count, format_duration, format_size, format_table


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (5 * 10**15, "5000.0 TB"),
    ],
)
def test_sizes_are_in_decimal_units(size: int, text: str) -> None:
    assert format_size(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.001, "0.00 s"), (59.94, "59.9 s"), (60, "1 min 0 s"), (3599, "59 min 59 s"), (7260, "2 h 1 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_a_table_has_aligned_columns_and_no_trailing_blanks() -> None:
    assert format_table([("a", "b"), ("longer",), ("x", "y\nz")]) == "a       b\nlonger\nx       y z"


def test_an_empty_table_is_empty() -> None:
    assert format_table([]) == ""


def test_nouns_agree_with_numbers() -> None:
    assert [count(number, "layer") for number in (0, 1, 2)] == ["0 layers", "1 layer", "2 layers"]
