"""A moment after which packages do not count, as pixi and the command line write it; a part of it as conda does."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from conda_docker.arguments.amounts import parse_duration

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DURATION = re.compile(r"\s*\d+(?:\.\d+)?\s*[A-Za-z]")


def parse_cutoff(text: str, *, now: datetime | None = None) -> datetime:
    """Return the moment that `text` stands for: a moment (RFC 3339), a whole day, or a duration before `now`.

    Raises `ValueError`.

    >>> parse_cutoff("2026-03-30").isoformat()
    '2026-03-31T00:00:00+00:00'
    """
    if _DURATION.match(text):
        try:
            return (now or datetime.now(UTC)) - parse_duration(text)
        except OverflowError as error:
            raise ValueError("the duration is too long") from error
    moment = end_of_day_or_moment(text)
    if moment.tzinfo is None:
        raise ValueError("the moment has no time zone")
    return moment


def end_of_day_or_moment(text: str) -> datetime:
    """Return the end of a day in UTC, or a moment, without a time zone where it names none. Raises `ValueError`.

    >>> end_of_day_or_moment("2026-03-30T12:00").isoformat()
    '2026-03-30T12:00:00'
    """
    if _DATE.fullmatch(text):
        return datetime.fromisoformat(text).replace(tzinfo=UTC) + timedelta(days=1)
    return datetime.fromisoformat(text)
