"""YAML as it was written: strings stay strings, and everything has a line."""

from __future__ import annotations

import pytest

from conda_docker.environment.inputs.specs.yaml_nodes import (
    compose_document,
    is_empty,
    is_mapping,
    is_null,
    is_scalar,
    is_sequence,
    read_node,
)
from conda_docker.errors import InvalidEnvironment
from conda_docker.yaml_document import YamlValue


def read(text: str) -> YamlValue:
    node = compose_document(text, "x.yml")
    assert node is not None
    return read_node(node, "x.yml")


def test_scalars_are_as_they_were_written() -> None:
    assert read("[3.10, 1e3, yes, null, ~, 'null', '']") == ["3.10", "1e3", "yes", None, None, "null", ""]


def test_kinds_of_nodes() -> None:
    nodes = [compose_document(text, "x.yml") for text in ("a: b", "[a]", "a")]
    assert all(node is not None for node in nodes)
    kinds = [(is_mapping(node), is_sequence(node), is_scalar(node)) for node in nodes if node is not None]
    assert kinds == [(True, False, False), (False, True, False), (False, False, True)]


def test_what_is_nothing() -> None:
    nodes = [compose_document(text, "x.yml") for text in ("~", "null", "'null'", "[]", "{}", "[a]")]
    assert [node is not None and is_null(node) for node in nodes] == [True, True, False, False, False, False]
    assert [node is not None and is_empty(node) for node in nodes] == [True, True, False, True, True, False]


def test_an_empty_document() -> None:
    assert compose_document("# nothing\n", "x.yml") is None


def test_an_alias_is_what_it_refers_to() -> None:
    assert read("a: &x [1]\nb: *x\n") == {"a": ["1"], "b": ["1"]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", r"line 2 of x\.yml is not valid YAML"),
        ("a: 1\nb: 2\na: 3\n", r"line 3 of x\.yml: `a` is defined twice"),
        ("? [a]\n: b\n", "a key should be a string"),
        ("[" * 60 + "]" * 60, "nested too deeply"),
        ("a" * (2 << 20), "has more than 1024 KiB"),
    ],
)
def test_what_cannot_be_read(text: str, words: str) -> None:
    with pytest.raises(InvalidEnvironment, match=words):
        read(text)
