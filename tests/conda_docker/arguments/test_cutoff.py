"""Moments before which packages count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from conda_docker.arguments.cutoff import parse_cutoff

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-01-01", datetime(2025, 1, 2, tzinfo=UTC)),
        ("2023-10-01T00:00:00Z", datetime(2023, 10, 1, tzinfo=UTC)),
        ("2023-10-01T02:00:00+02:00", datetime(2023, 10, 1, tzinfo=UTC)),
        ("7d", NOW - timedelta(days=7)),
        ("1h30m", NOW - timedelta(minutes=90)),
        ("2 weeks 1 day", NOW - timedelta(days=15)),
        ("0d", NOW),
    ],
)
def test_moments(text: str, moment: datetime) -> None:
    assert parse_cutoff(text, now=NOW) == moment


@pytest.mark.parametrize("text", ["", "soon", "7", "7 parsecs", "2025-13-01", "2023-10-01T00:00:00", "9999999 years"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_cutoff(text, now=NOW)
