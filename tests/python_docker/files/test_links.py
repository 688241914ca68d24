"""One resolver of links in trees that are not on disk: as the kernel follows them, within the tree."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_docker.files.links import follow_links

NAMES = st.sampled_from(["a", "b", "c"])
TARGETS = st.lists(st.sampled_from(["a", "b", "c", "..", "."]), min_size=1, max_size=3).map("/".join)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/b", "a/b"),
        ("/a//./b/", "a/b"),
        ("a/../../../b", "b"),
        ("up/x", "x"),
        ("far/x", "srv/x"),
        ("a/near", "a/b"),
        ("chain/y", "srv/y"),
        ("loop/z", None),
        ("", ""),
    ],
)
def test_where_a_path_leads(path: str, expected: str | None) -> None:
    links = {"up": "../..", "far": "/srv", "a/near": "b", "chain": "far", "loop": "loop"}
    assert follow_links(path, links.get) == expected


def test_what_leaves_the_tree() -> None:
    links = {"up": "../..", "far": "/srv", "in": "/opt/conda/lib"}
    for path in ("up/x", "../x", "a/../../x"):
        assert follow_links(path, links.get, clamp=False) is None
    assert follow_links("far/x", links.get, absolute=lambda target: None) is None
    inside = follow_links("in/x", links.get, absolute=lambda target: target.removeprefix("/opt/conda"))
    assert inside == "lib/x"


def test_the_last_link_may_stay() -> None:
    links = {"a": "b", "b/c": "d"}
    assert follow_links("a/c", links.get, follow_last=False) == "b/c"
    assert follow_links("a/c", links.get) == "b/d"


@given(st.dictionaries(NAMES, TARGETS, max_size=3), st.lists(NAMES, min_size=1, max_size=3).map("/".join))
def test_it_is_what_the_system_does(tmp_path_factory: pytest.TempPathFactory, links: dict[str, str], path: str) -> None:
    root = Path(tmp_path_factory.mktemp("tree"))
    for name in ("a", "b", "c"):
        if name in links:
            (root / name).symlink_to(links[name])
        else:
            (root / name).mkdir()
    found = follow_links(path, links.get, clamp=False)
    try:
        there = os.path.realpath(root / path, strict=True)
    except OSError:
        return
    if found is not None:
        assert str(root / found).rstrip("/") == there
