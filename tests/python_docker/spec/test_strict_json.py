"""JSON from places that are not trusted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_docker.errors import InvalidDocument
from python_docker.spec.limits import MAX_DOCUMENT_SIZE
from python_docker.spec.strict_json import dump_json, parse_json, parse_loose_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_written_is_read(value: Any) -> None:
    assert parse_json(dump_json(value), "it") == value


@given(VALUES)
def test_what_is_written_is_utf_8_without_blanks(value: Any) -> None:
    text = dump_json(value).decode("utf-8")
    assert json.loads(text) == value
    assert text == json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def test_the_order_of_fields_stays() -> None:
    assert dump_json({"b": 1, "a": {"d": 2, "c": 3}}) == b'{"b":1,"a":{"d":2,"c":3}}'


def test_a_lone_surrogate_is_written_as_an_escape() -> None:
    assert dump_json({"x": "\udcff\u00e9"}) == b'{"x":"\\udcff\\u00e9"}'


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"{'a': 1}",
        b'{"a": 1} x',
        b"NaN",
        b"[Infinity]",
        b"[1e999]",
        b"-Infinity",
        b'"\xff"',
        b'"\xed\xb3\xbf"',
        '{"a":1}'.encode("utf-16"),
        '{"a":1}'.encode("utf-32"),
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":"\n"}',
        b"9" * 5000,
        b"<html>",
    ],
)
def test_what_is_no_json_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidDocument, match="the answer is not JSON"):
        parse_json(raw, "the answer")


@pytest.mark.parametrize("raw", [b'{"a":1,"b":2,"a":3}', b'[{"x":{"a":1,"a":1}}]', b'{"a":1,"\\u0061":2}'])
def test_a_field_that_occurs_twice_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidDocument, match="the field 'a' twice"):
        parse_json(raw, "it")


@pytest.mark.parametrize("levels", [101, 1_000, 10_000, 1_000_000])
@pytest.mark.parametrize(("start", "end"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_deep_nesting_is_refused(levels: int, start: bytes, end: bytes) -> None:
    with pytest.raises(InvalidDocument, match=r"nested too deeply|bytes; at most"):
        parse_json(start * levels + b"1" + end * levels, "it")


def test_nesting_of_real_documents_is_read() -> None:
    assert parse_json(b"[" * 60 + b"]" * 60, "it")


def test_a_hundred_megabytes_are_not_even_looked_at() -> None:
    raw = b'"' + 100_000_000 * b"a" + b'"'
    with pytest.raises(InvalidDocument, match=f"has 100000002 bytes; at most {MAX_DOCUMENT_SIZE} are read"):
        parse_json(raw, "it")


@pytest.mark.parametrize("raw", [rb'["\ud800"]', rb'{"\uDFFF": 1}', rb'["\udc00\ud800"]'])
def test_half_a_surrogate_pair_is_not_text(raw: bytes) -> None:
    with pytest.raises(InvalidDocument, match="half of a surrogate pair"):
        parse_json(raw, "it")
    assert parse_json(rb'["\ud83d\ude00", "\\ud800"]', "it") == ["\U0001f600", "\\ud800"]


def test_the_limit_can_be_chosen() -> None:
    assert parse_json(b"[1]", "it", limit=3) == [1]
    with pytest.raises(InvalidDocument):
        parse_json(b"[1]", "it", limit=2)


@given(st.binary())
def test_any_bytes_are_json_or_refused(raw: bytes) -> None:
    try:
        value = parse_json(raw, "it")
    except InvalidDocument:
        return
    assert parse_json(dump_json(value), "it") == value


def test_a_number_of_too_many_digits_is_refused_without_advice_for_programmers() -> None:
    with pytest.raises(InvalidDocument, match=r"^the answer is not JSON: it holds a number with too many digits$"):
        parse_json(b"[" + b"9" * 5000 + b"]", "the answer")


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"[" + b"[]," * 3_000_000 + b"0]", "more than"),
        (b"[" * 100_000, "too deeply"),
        (b"{", "Expecting"),
        (b"\xff", "decode"),
    ],
)
def test_loose_json_is_bounded_too(raw: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_loose_json(raw)


def test_loose_json_may_say_things_twice() -> None:
    assert parse_loose_json(b'{"a": 1, "a": NaN, "b": "\\ud800"}').keys() == {"a", "b"}
