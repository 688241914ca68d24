"""JSON documents below `info/`: read as strictly as rattler reads them, and in bounded memory."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from conda_docker.errors import InvalidPackage
from python_docker.errors import reason_of

_MAX_VALUES = 3_000_000
"""Commas, brackets and braces of one document: each may become an object of 60 bytes and more in memory. A file in
`paths.json` takes seven."""

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def parse_info_json(content: bytes, name: str, what: str) -> Mapping[str, Any]:
    """Return the JSON object in `content`; `name` and `what` say in messages which file of which package it is.

    Raises `InvalidPackage` for what is not a JSON object (RFC 8259: neither `NaN` nor `Infinity`, nor a number that a
    float cannot hold), for lone surrogates, which no file name and no record can hold, and for more values than an
    honest package has.

    >>> parse_info_json(b'{"name": "a"}', "info/index.json", "a-1-0.conda")
    {'name': 'a'}
    """
    where = f"{what}: {name}"
    if sum(map(content.count, (b",", b"{", b"["))) > _MAX_VALUES:
        raise InvalidPackage(f"{where} holds more than {_MAX_VALUES} values")

    def refuse(constant: str) -> Any:
        raise InvalidPackage(f"{where} is not JSON: {constant[:40]} is not a number")

    def finite(digits: str) -> float:
        number = float(digits)
        return number if math.isfinite(number) else refuse(digits)

    try:
        document = json.loads(content, parse_constant=refuse, parse_float=finite)
    except (ValueError, RecursionError) as error:
        raise InvalidPackage(f"{where} is not JSON: {reason_of(error)}") from error
    if not isinstance(document, dict):
        raise InvalidPackage(f"{where} is not a JSON object")
    if _SURROGATE.search(content):
        try:
            json.dumps(document, ensure_ascii=False).encode()
        except (UnicodeEncodeError, RecursionError):
            raise InvalidPackage(f"{where} holds an unpaired surrogate, which is not valid Unicode") from None
    return document
