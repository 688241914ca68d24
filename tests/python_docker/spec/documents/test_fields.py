"""Fields: what is read from JSON objects, what is kept, and how a malformed one is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from python_docker.errors import InvalidDocument
from python_docker.spec.documents import fields
from python_docker.spec.documents.fields import Fields, Malformed, json_field, json_name, json_names, read_document


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf(Fields):
    count: int = field(metadata=json_field("leafCount", fields.integer(0, 9)))
    words: tuple[str, ...] | None = field(default=None, metadata=json_field("words", fields.list_of(fields.string(3))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree(Fields):
    leaves: tuple[Leaf, ...] = field(metadata=json_field("leaves", fields.list_of(Leaf.read, max_items=2)))


def test_known_fields_come_first_and_others_are_kept() -> None:
    value = {"b": [1], "words": ["x"], "a": {"c": None}, "leafCount": 3}
    leaf = Leaf.from_json(value)
    assert (leaf.count, leaf.words, leaf.rest) == (3, ("x",), {"b": [1], "a": {"c": None}})
    assert list(leaf.to_json().items()) == [("leafCount", 3), ("words", ["x"]), ("b", [1]), ("a", {"c": None})]


def test_null_reads_as_absent_and_stays_null() -> None:
    leaf = Leaf.from_json({"leafCount": 1, "words": None})
    assert leaf.words is None
    assert leaf.to_json() == {"leafCount": 1, "words": None}


def test_what_is_given_back_is_not_the_value_itself() -> None:
    leaf = Leaf.from_json({"leafCount": 1, "more": [{"a": []}]})
    leaf.to_json()["more"][0]["a"].append(1)
    assert leaf.to_json()["more"] == [{"a": []}]


def test_a_python_name_is_not_a_name_in_json() -> None:
    assert json_names(Leaf) == {"leafCount", "words"}
    assert json_name(Leaf, "count") == "leafCount"
    with pytest.raises(InvalidDocument, match="'leafCount': missing"):
        Leaf.from_json({"count": 1})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "tree is malformed at 'the top': expected an object"),
        ({}, "tree is malformed at 'leaves': missing"),
        ({"leaves": None}, "tree is malformed at 'leaves': expected a list"),
        ({"leaves": 3 * [{"leafCount": 1}]}, "tree is malformed at 'leaves': expected at most 2 elements"),
        ({"leaves": [{"leafCount": 10}]}, "tree is malformed at 'leaves.0.leafCount': expected an integer from 0 to 9"),
        (
            {"leaves": [{"leafCount": 1, "words": ["a", "long"]}]},
            "tree is malformed at 'leaves.0.words.1': expected at most 3 characters",
        ),
    ],
)
def test_an_error_leads_to_the_place(value: Any, message: str) -> None:
    with pytest.raises(InvalidDocument) as error:
        Tree.from_json(value)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [
        (fields.string(), "", ""),
        (fields.integer(2, 2), 2, 2),
        (fields.boolean, False, False),
        (fields.digest, "sha256:" + 64 * "0", "sha256:" + 64 * "0"),
        (fields.json_object, {"a": 1}, {"a": 1}),
        (fields.strings_by_name, {"a": "b"}, {"a": "b"}),
        (fields.list_of(fields.boolean), [True], (True,)),
        (fields.list_of(fields.boolean, null_is_empty=True), None, ()),
    ],
)
def test_readers_give_what_is_right(read: Callable[[Any], Any], value: Any, expected: Any) -> None:
    assert read_document(read, value, "it") == expected


@pytest.mark.parametrize(
    ("read", "wrong"),
    [
        (fields.string(), [None, 1, b"", []]),
        (fields.integer(0, 3), [-1, 4, 2.0, True, "2", None]),
        (fields.boolean, [0, 1, "true", None]),
        (fields.digest, ["sha256:0", 7, None]),
        (fields.json_object, [[], "", None]),
        (fields.strings_by_name, [{"a": 1}, {"a": None}, []]),
        (fields.list_of(fields.string()), [None, "words", {}, [1]]),
    ],
)
def test_readers_refuse_what_is_wrong(read: Callable[[Any], Any], wrong: list[Any]) -> None:
    for value in wrong:
        with pytest.raises(Malformed):
            read(value)
