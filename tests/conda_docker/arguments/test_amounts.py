"""Sizes and durations, written and read."""

from __future__ import annotations

import pytest

from conda_docker.arguments.amounts import format_duration, format_seconds, format_size, to_days, to_seconds, to_size


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("12B", 12), ("1k", 1000), ("1.5MB", 1_500_000), ("2GiB", 2 << 30), ("3 tb", 3 * 10**12)],
)
def test_sizes(text: str, size: int) -> None:
    assert to_size("--max-size", text) == size


@pytest.mark.parametrize("text", ["10", "1.5", " 7 "])
def test_a_size_without_a_unit_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=f"{text.strip()} has no unit; write {text.strip()}GB"):
        to_size("--max-size", text)


@pytest.mark.parametrize("text", ["", "MB", "-1", "1EB", "1MBB", "1iB", "nan"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="--max-size: expected a size such as 500MB"):
        to_size("--max-size", text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1h", 3600),
        ("0.5d", 43200),
        ("2W", 1_209_600),
        ("1h30m", 5400),
        ("2 weeks 1 day", 1_296_000),
        ("1M", 2_630_016),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert to_seconds("--older-than", text) == seconds


@pytest.mark.parametrize("text", ["", "1", "d", "1x", "-1d", "3 fortnights", "1d x"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="--older-than: expected a duration such as 90d"):
        to_seconds("--older-than", text)


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
def test_durations_as_people_read_them(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_a_duration_that_no_calendar_holds_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        to_seconds("--older-than", "99999999999999 years")


@pytest.mark.parametrize(("seconds", "text"), [(0.9, "0 s"), (59.9, "59 s"), (60, "1 min"), (7300, "2 h")])
def test_times_that_change_are_whole(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(("text", "days"), [("0d", 0), ("1d", 1), ("2 weeks 1 day", 15), ("1M", 30.44), ("1y", 365.25)])
def test_days(text: str, days: float) -> None:
    assert to_days("--keep", text) == days * 86400


@pytest.mark.parametrize("text", ["0h", "24h", "1d12h", "0.5d", "30m", "1s"])
def test_what_is_no_number_of_days_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"--keep: '{text}' is not a number of days"):
        to_days("--keep", text)
