"""Times that make the same inputs give the same bytes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_docker.errors import Error
from python_docker.spec.timestamps import clamp, is_rfc3339, rfc3339, source_date_epoch


@pytest.mark.parametrize(("text", "seconds"), [("0", 0), ("1700000000", 1_700_000_000), ("", None)])
def test_the_epoch_is_read_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, text: str, seconds: int | None
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", text)
    assert source_date_epoch() == seconds


def test_without_the_variable_there_is_no_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    assert source_date_epoch() is None


@pytest.mark.parametrize("text", ["yesterday", "-1", "1.5", "1e9", " 1", "\u00b2", "\u0661", 12 * "9"])
def test_an_epoch_that_is_no_number_of_seconds_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", text)
    with pytest.raises(Error, match="SOURCE_DATE_EPOCH"):
        source_date_epoch()


def test_times_of_files_are_clamped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    assert [clamp(time) for time in (-5.0, 0.9, 12.7)] == [0, 0, 12]
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "10")
    assert [clamp(time) for time in (9.9, 12.7)] == [9, 10]


@given(st.integers(0, 99_999_999_999))
def test_times_are_written_as_rfc_3339_says(seconds: int) -> None:
    text = rfc3339(seconds)
    assert is_rfc3339(text)
    assert datetime.fromisoformat(text) == datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00Z", "2024-02-29T23:59:59.123456789Z", "2020-01-01T00:00:00-07:00"]
)
def test_times_that_docker_reads(text: str) -> None:
    assert is_rfc3339(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2020-01-01",
        "2020-01-01 00:00:00Z",
        "2020-01-01T00:00:00",
        "2020-01-01t00:00:00z",
        "2020-13-01T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2020-01-01T24:00:00Z",
        "2020-01-01T00:00:60Z",
        "2020-01-01T00:00:00.Z",
        "2020-01-01T00:00:00+24:00",
        "2020-01-01T00:00:00Z\n",
        "\u0662020-01-01T00:00:00Z",
    ],
)
def test_times_that_docker_does_not_read(text: str) -> None:
    assert not is_rfc3339(text)
