"""Timestamps that make the same inputs give the same bytes (reproducible-builds.org, SOURCE_DATE_EPOCH)."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime

from python_docker.errors import InvalidVariable

_RFC3339 = (
    r"(?P<seconds>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?:\.[0-9]+)?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
LAST_SECOND = 253_402_300_799
"""The last second of the year 9999, after which RFC 3339 has no times; larger ones are in milliseconds, as conda's."""


def source_date_epoch() -> int | None:
    """Return SOURCE_DATE_EPOCH in seconds since 1970, None when it is not set. Raises `InvalidVariable`."""
    text = os.environ.get("SOURCE_DATE_EPOCH")
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 11:
        raise InvalidVariable(f"SOURCE_DATE_EPOCH must be a number of seconds since 1970, not {text[:40]!r}")
    return int(text)


def clamp(mtime: float) -> int:
    """Return a file's time in whole seconds, no later than SOURCE_DATE_EPOCH and no earlier than 1970."""
    seconds = max(int(mtime), 0)
    latest = source_date_epoch()
    return seconds if latest is None else min(seconds, latest)


def rfc3339(seconds: int) -> str:
    """Return seconds since 1970 as the image specification writes times (RFC 3339).

    >>> rfc3339(0)
    '1970-01-01T00:00:00Z'
    """
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def is_rfc3339(text: str) -> bool:
    """Return whether a string is a time as the image specification writes it (RFC 3339; Docker reads no other form).

    >>> is_rfc3339("2020-01-01T00:00:00.5+01:00"), is_rfc3339("yesterday")
    (True, False)
    """
    match = re.fullmatch(_RFC3339, text)
    if match is None:
        return False
    try:
        datetime.strptime(match["seconds"], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return False
    return True
