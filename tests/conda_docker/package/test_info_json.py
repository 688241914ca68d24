"""Any bytes below `info/` end in a document that can be recorded, or in one error."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_docker.errors import InvalidPackage
from conda_docker.package.info_json import parse_info_json


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"a": NaN}', "NaN is not a number"),
        (b'{"a": -Infinity}', "Infinity is not a number"),
        (b'{"a": 1e999}', "1e999 is not a number"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"\\uDFFF": 1}', "surrogate"),
        (b'{"a": ' + b"1" * 5000 + b"}", "not JSON"),
        (b'{"a": ' + b"[" * 100_000, "not JSON"),
        (b"{" + b"," * 3_000_001, "more than 3000000 values"),
    ],
)
def test_what_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(InvalidPackage, match=reason) as error:
        parse_info_json(content, "info/index.json", "a-1-0.conda")
    assert str(error.value).startswith("a-1-0.conda: info/index.json ")


def test_a_pair_of_surrogates_is_a_character() -> None:
    assert parse_info_json(b'{"a": "\\ud83d\\ude00"}', "info/index.json", "a") == {"a": "\N{GRINNING FACE}"}


@given(st.binary())
def test_any_bytes(content: bytes) -> None:
    try:
        document = parse_info_json(content, "info/index.json", "a")
    except InvalidPackage:
        return
    json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
