"""Sizes and durations, as people write and read them."""

from __future__ import annotations

import re
from datetime import timedelta

_SIZE = r"(?i)(\d+(?:\.\d+)?)\s*(?:([kmgt]?)b|([kmgt])ib|([kmgt]))"
_NUMBER = r"\d+(?:\.\d+)?"
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_DURATION = r"(?:\s*\d+(?:\.\d+)?\s*[A-Za-z]+)+\s*"
_PART = r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)"
# Seconds, by the first letters of a unit: humantime's seconds, minutes, hours, days, weeks, months and years.
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "M": 2630016, "y": 31557600}
_UNIT = r"(?i)(?:s|sec|second|m|min|minute|h|hr|hour|d|day|w|week|y|yr|year)s?"


def to_size(name: str, text: str) -> int:
    """Return the number of bytes that `500MB` or `2 GiB` means; a number without a unit is refused, but for 0.

    Raises `ValueError`, which begins with the `name` of what has the value.

    >>> to_size("--max-size", "1.5kB"), to_size("--max-size", "2 KiB")
    (1500, 2048)
    """
    given = text.strip()
    match = re.fullmatch(_SIZE, given)
    if match is None and re.fullmatch(_NUMBER, given):
        if float(given) == 0:
            return 0
        raise ValueError(f"{name}: {given} has no unit; write {given}GB or {given}MB")
    if match is None:
        raise ValueError(f"{name}: expected a size such as 500MB or 4GB, got {text[:80]!r}")
    if match[3]:
        return int(float(match[1]) * 1024 ** _POWERS[match[3].lower()])
    return int(float(match[1]) * 1000 ** _POWERS[(match[2] or match[4] or "").lower()])


def to_seconds(name: str, text: str) -> float:
    """Return the seconds that `12h`, `30d` or `2 weeks 1 day` means; see `parse_duration`.

    Raises `ValueError`, which begins with the `name` of what has the value.

    >>> to_seconds("--older-than", "2d")
    172800.0
    """
    try:
        return parse_duration(text).total_seconds()
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def to_days(name: str, text: str) -> float:
    """Return the seconds that `30d` or `8w` means, where only days are known. Raises `ValueError`, as for `12h`.

    >>> to_days("--keep", "1d")
    86400.0
    """
    seconds = to_seconds(name, text)
    units = {_unit(unit) for _, unit in re.findall(_PART, text)}
    if units & {"s", "m", "h"} or (seconds % _UNITS["d"] and not units & {"M", "y"}):
        raise ValueError(
            f"{name}: {text[:80]!r} is not a number of days, and only the day of the last use is known; write 1d"
        )
    return seconds


def _unit(text: str) -> str:
    """Return the key of a unit in `_UNITS`."""
    return "M" if text == "M" or text.lower().startswith("mo") else text[0].lower()


def parse_duration(text: str) -> timedelta:
    """Return the time that a number with a unit means, or several of them, added up. Raises `ValueError`.

    Units are those of Rust's humantime, which pixi has in its files: `M` is a month, and `m` a minute.

    >>> parse_duration("1h30m")
    datetime.timedelta(seconds=5400)
    """
    expected = f"expected a duration such as 90d, 12h or 2 weeks, got {text[:80]!r}"
    if not re.fullmatch(_DURATION, text):
        raise ValueError(expected)
    seconds = 0.0
    for number, unit in re.findall(_PART, text):
        key = _unit(unit)
        if key != "M" and not re.fullmatch(_UNIT, unit):
            raise ValueError(expected)
        seconds += float(number) * _UNITS[key]
    try:
        return timedelta(seconds=seconds)
    except OverflowError:
        raise ValueError(f"the duration {text[:80]!r} is too long") from None


def format_size(size: float) -> str:
    """Return a number of bytes in decimal units, as Docker prints it.

    >>> format_size(999), format_size(12_345_678)
    ('999 B', '12.3 MB')
    """
    if abs(size) < 1000:
        return f"{size:.0f} B"
    for unit in ("kB", "MB", "GB", "TB"):
        size /= 1000
        if abs(size) < 999.95 or unit == "TB":
            return f"{size:.1f} {unit}"
    raise AssertionError("unreachable")


def format_duration(seconds: float) -> str:
    """Return a time in seconds as people read it.

    >>> format_duration(0.0421), format_duration(3.14159), format_duration(125)
    ('0.04 s', '3.1 s', '2 min 5 s')
    """
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def format_seconds(seconds: float) -> str:
    """Return a time in whole seconds, minutes or hours, which does not flicker while it changes.

    >>> format_seconds(0.2), format_seconds(59.9), format_seconds(61), format_seconds(7300)
    ('0 s', '59 s', '1 min', '2 h')
    """
    if seconds < 60:
        return f"{int(seconds)} s"
    return f"{int(seconds // 60)} min" if seconds < 3600 else f"{int(seconds // 3600)} h"
