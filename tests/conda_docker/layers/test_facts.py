"""What was seen while a layer was made."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_docker.layers.facts import LayerFacts, pack, unpack

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


@given(st.frozensets(st.integers(0, (1 << 64) - 1)))
def test_hashes_come_back(hashes: frozenset[int]) -> None:
    assert unpack(pack(hashes)) == hashes
    assert pack(sorted(hashes, reverse=True)) == pack(hashes)


@pytest.mark.parametrize("value", [{}, [], None, {**FACTS.to_json(), "paths": "?"}, {**FACTS.to_json(), "packages": 1}])
def test_what_is_not_facts_is_refused(value: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        LayerFacts.from_json(value)
