"""Headers: numbers, lists and links in them, read in bounded time whatever a server sends."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from time import time

_DIGITS = 18
"""Decimal digits of the largest number that is read: less than 2**63."""
_MAX_LINK = 64 << 10  # characters
_CONTENT_RANGE = re.compile(r"bytes +([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)")
_DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


def header_number(text: str | None) -> int | None:
    """Return the number that a header holds, None for anything but 1 to 18 decimal digits.

    >>> header_number(" 12 "), header_number("-1"), header_number("9" * 5000)
    (12, None, None)
    """
    stripped = (text or "").strip(" \t")
    return int(stripped) if len(stripped) <= _DIGITS and stripped.isascii() and stripped.isdigit() else None


def content_range(headers: Mapping[str, str]) -> tuple[int, int, int | None] | None:
    """Return first byte, last byte and size (None if unknown) of a `Content-Range` (RFC 9110, section 14.4).

    >>> content_range({"content-range": "bytes 5-9/10"})
    (5, 9, 10)
    """
    match = _CONTENT_RANGE.fullmatch(headers.get("content-range", "").strip(" \t"))
    if match is None:
        return None
    return int(match[1]), int(match[2]), None if match[3] == "*" else int(match[3])


def content_type(headers: Mapping[str, str]) -> str:
    """Return the media type of an answer, in lower case and without parameters; empty when it names none."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a `Retry-After` header asks to wait (RFC 9110, section 10.2.3), None without one."""
    text = headers.get("retry-after", "").strip()[:64]
    if _DECIMAL.fullmatch(text):
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time()) if text else None
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def next_link(headers: Iterable[str]) -> str | None:
    """Return the target of the first link with the relation `next` in `Link` headers (RFC 8288), None without one.

    >>> next_link(['</first>; rel="prev", </v2/a/tags/list?last=b>; rel="next"'])
    '/v2/a/tags/list?last=b'
    """
    for header in headers:
        rest = header[:_MAX_LINK]
        while True:
            _, opened, rest = rest.partition("<")
            target, closed, rest = rest.partition(">")
            if not opened or not closed:
                break
            # The parameters go on to the next link; a comma in a quoted value is not followed by `<`.
            parameters = rest.partition("<")[0]
            for parameter in parameters.split(";"):
                name, _, value = parameter.partition("=")
                relations = value.strip(' \t,"').lower().split()
                if name.strip().lower() == "rel" and "next" in relations:
                    return target
    return None


def joined_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the headers of an answer by their names in lower case, without blanks around values (RFC 9110, 5.5).

    >>> joined_headers([("Via", "a "), ("via", "b")])
    {'via': 'a, b'}
    """
    joined: dict[str, str] = {}
    for name, text in headers:
        key, value = name.lower(), text.strip(" \t")
        joined[key] = f"{joined[key]}, {value}" if key in joined else value
    return joined
