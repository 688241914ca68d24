"""What was seen while a layer was made."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_docker.layers.facts import LayerFacts, differing, pack, unpack

FACTS = LayerFacts(
    packages=("a-1-0",),
    post_link=("a",),
    pre_link=("a",),
    activate=("etc/conda/activate.d/a.sh",),
    variables={"a.json": {"A": "1"}},
    trimmed_files=1,
    trimmed_bytes=2,
    uncompiled=("a: too large",),
    clobbered=True,
    programs=True,
    notes=("a note",),
    paths=frozenset({0, (1 << 64) - 1}),
    folders=frozenset({1}),
    stated={"a-1-0": {"sha": "0123"}},
)


def test_every_fact_comes_back_from_json() -> None:
    nothing = LayerFacts()
    assert all(getattr(FACTS, field.name) != getattr(nothing, field.name) for field in fields(LayerFacts))
    for facts in (FACTS, nothing):
        assert LayerFacts.from_json(json.loads(json.dumps(facts.to_json()))) == facts


def test_a_note_of_others_is_one_line() -> None:
    read = LayerFacts.from_json({**FACTS.to_json(), "notes": ["a\n::warning::b"]})
    assert read.notes == (r"a\n::warning::b",)


@pytest.mark.parametrize("field", [field.name for field in fields(LayerFacts)])
def test_each_fact_that_differs_is_named(field: str) -> None:
    [name] = differing(FACTS, replace(FACTS, **{field: getattr(LayerFacts(), field)}))
    assert name.lower() == field.replace("_", "")


def test_equal_facts_do_not_differ() -> None:
    assert differing(FACTS, replace(FACTS, notes=("a note",))) == []
    assert (
        differing(replace(FACTS, notes=("a\nb",)), LayerFacts.from_json({**FACTS.to_json(), "notes": ["a\nb"]})) == []
    )


@given(st.frozensets(st.integers(0, (1 << 64) - 1)))
def test_hashes_come_back(hashes: frozenset[int]) -> None:
    assert unpack(pack(hashes)) == hashes
    assert pack(sorted(hashes, reverse=True)) == pack(hashes)


@pytest.mark.parametrize("value", [{}, [], None, {**FACTS.to_json(), "paths": "?"}, {**FACTS.to_json(), "packages": 1}])
def test_what_is_not_facts_is_refused(value: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        LayerFacts.from_json(value)
