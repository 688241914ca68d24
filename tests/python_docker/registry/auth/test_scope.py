"""Scopes of tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_docker.registry.auth.scope import merge_scopes, permissions, repository_scope


@pytest.mark.parametrize(
    ("scopes", "merged"),
    [
        ([], []),
        (["repository:a:pull"], ["repository:a:pull"]),
        (["repository:a:pull", "repository:a:push,pull"], ["repository:a:pull,push"]),
        (["repository:a:pull,push repository:b:pull"], ["repository:a:pull,push", "repository:b:pull"]),
        (["registry:catalog:*"], ["registry:catalog:*"]),
        (["repository:host:5000/a:pull", "repository:host:5000/a:push"], ["repository:host:5000/a:pull,push"]),
        (["repository(plugin):a:pull"], ["repository(plugin):a:pull"]),
    ],
)
def test_merge(scopes: list[str], merged: list[str]) -> None:
    assert merge_scopes(scopes) == merged


names = st.from_regex(r"[a-z]{1,3}(/[a-z]{1,3})?", fullmatch=True)
actions = st.lists(st.sampled_from(["pull", "push", "delete", "*"]), min_size=1, unique=True)


@given(st.lists(st.builds(lambda name, actions: repository_scope(name, *actions), names, actions)))
def test_merging_keeps_permissions(scopes: list[str]) -> None:
    merged = merge_scopes(scopes)
    assert permissions(merged) == permissions(scopes)
    resources = [scope.rpartition(":")[0] for scope in merged]
    assert len(set(resources)) == len(resources)


@given(st.text(max_size=80))
def test_anything(text: str) -> None:
    assert permissions(merge_scopes([text])) == permissions([text])
