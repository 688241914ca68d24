"""JSON from places that are not trusted, and JSON that is the same bytes each time it is written."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from python_docker.errors import InvalidDocument, reason_of
from python_docker.spec.limits import MAX_DOCUMENT_SIZE

# Levels of JSON in JSON; honest documents have about ten.
_MAX_DEPTH = 100
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_MOST_VALUES = 5_000_000  # of 60 bytes and more each in memory; the record of 400,000 files has 4,000,000


def parse_json(raw: bytes, what: str, *, limit: int = MAX_DOCUMENT_SIZE) -> Any:
    """Read JSON from a place that is not trusted; `what` names it in messages.

    Raises `InvalidDocument` for more than `limit` bytes, for anything that is not JSON in UTF-8, for a field that
    occurs twice (image-spec, considerations.md), for text with half a surrogate pair, and for nesting deeper than
    anything that has a meaning.
    """
    if len(raw) > limit:
        raise InvalidDocument(f"{what} has {len(raw)} bytes; at most {limit} are read")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        fields = dict(pairs)
        if len(fields) != len(pairs):
            seen: set[str] = set()
            twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            raise InvalidDocument(f"{what} has the field {twice[:80]!r} twice")
        return fields

    def refuse(constant: str) -> Any:
        raise InvalidDocument(f"{what} is not JSON: {constant}")

    def finite(digits: str) -> float:
        number = float(digits)
        return number if math.isfinite(number) else refuse(digits[:40])

    try:
        # Decoded here: json.loads would guess other encodings, and take surrogates for UTF-8.
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=unique, parse_constant=refuse, parse_float=finite)
    except RecursionError:
        raise InvalidDocument(f"{what} is nested too deeply") from None
    except InvalidDocument:
        raise
    except ValueError as error:
        raise InvalidDocument(f"{what} is not JSON: {reason_of(error)}") from None
    if _SURROGATE.search(raw):
        try:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError:
            raise InvalidDocument(f"{what} holds half of a surrogate pair, which is not text (RFC 7493)") from None
        except RecursionError:
            raise InvalidDocument(f"{what} is nested too deeply") from None
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return value
    raise InvalidDocument(f"{what} is nested too deeply")


def parse_loose_json(raw: bytes) -> Any:
    """Read JSON of others whose other faults are their own affair, in bounded memory.

    Raises `ValueError` for what is not JSON, and for more lists, objects and fields than any document has.

    >>> parse_loose_json(b'{"name": "a", "name": "b"}')
    {'name': 'b'}
    """
    if sum(map(raw.count, (b",", b"{", b"["))) > _MOST_VALUES:
        raise ValueError(f"it holds more than {_MOST_VALUES} values")
    try:
        return json.loads(raw)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def dump_json(value: Any) -> bytes:
    """Return compact JSON in UTF-8, with fields in the order given: the same value gives the same bytes."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        # A lone surrogate, which JSON can hold only as an escape.
        return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")
