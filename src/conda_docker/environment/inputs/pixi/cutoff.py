"""`exclude-newer`: a moment after which packages do not count, as pixi writes it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

# Seconds, by the first letters of a unit: humantime's seconds, minutes, hours, days, weeks, months and years.
_UNITS = {
    "s": 1,
    "m": 60,
    "h": 3600,
    "d": 86400,
    "w": 604800,
    "M": 2630016,
    "y": 31557600,
}
_DURATION = re.compile(r"(?:\s*\d+\s*[A-Za-z]+)+\s*")
_PART = re.compile(r"(\d+)\s*([A-Za-z]+)")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def parse_cutoff(text: str, *, now: datetime | None = None) -> datetime:
    """Return the moment that `text` stands for: a moment (RFC 3339), a whole day, or a duration before `now`.

    Raises `ValueError`.

    >>> parse_cutoff("2026-03-30").isoformat()
    '2026-03-31T00:00:00+00:00'
    """
    if _DATE.fullmatch(text):
        return datetime.fromisoformat(text).replace(tzinfo=UTC) + timedelta(days=1)
    if _DURATION.fullmatch(text):
        seconds = sum(int(number) * _seconds(unit) for number, unit in _PART.findall(text))
        try:
            return (now or datetime.now(UTC)) - timedelta(seconds=seconds)
        except OverflowError as error:
            raise ValueError("the duration is too long") from error
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("the moment has no time zone")
    return moment


def _seconds(unit: str) -> int:
    if unit == "M" or unit.lower().startswith("mo"):
        return _UNITS["M"]
    known = ("s", "sec", "second", "m", "min", "minute", "h", "hr", "hour", "d", "day", "w", "week", "y", "yr", "year")
    if unit.lower().removesuffix("s") not in known and unit != "s":
        raise ValueError(f"{unit!r} is not a unit of time")
    return _UNITS[unit[0].lower()]
