"""Paths that several packages bring."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_docker.cache.folder import CacheFolder, NoteKind
from conda_docker.layers.clobbers import (
    Clobber,
    Settlement,
    find_losses,
    folders_of,
    remember_settlement,
    remembered_settlement,
)
from conda_docker.layers.member import Loss

PATHS = st.lists(
    st.text("ab/", min_size=1, max_size=5).filter(lambda path: "//" not in path and path[0] != "/" != path[-1])
)


@given(st.lists(PATHS, max_size=4))
def test_after_losing_no_path_is_there_twice_nor_below_a_file(packages: list[list[str]]) -> None:
    kept = [set(paths) - lost for paths, lost in zip(packages, find_losses(packages), strict=True)]
    # Within one package it is for linking to refuse that.
    for number, mine in enumerate(kept):
        for others in kept[number + 1 :]:
            assert mine.isdisjoint(others)
            assert mine.isdisjoint(folders_of(others))
            assert others.isdisjoint(folders_of(mine))


@given(st.lists(PATHS, max_size=4))
def test_the_last_package_loses_nothing(packages: list[list[str]]) -> None:
    assert not packages or find_losses(packages)[-1] == frozenset()


def test_a_settlement_is_remembered(tmp_path: Path) -> None:
    cache = CacheFolder(tmp_path / "cache")
    settlement = Settlement(
        {"a-1-0": Loss(frozenset({"share/x", "share/y"}), {"lib": "lib64"})},
        {"a-1-0": 2},
        ("x",),
        ("y",),
        (Clobber("b", "a", 1, "share/x"),),
    )
    remember_settlement(cache, "ab" * 32, settlement)
    assert remembered_settlement(cache, "ab" * 32) == settlement
    assert remembered_settlement(cache, "cd" * 32) is None
    assert remembered_settlement(cache, None) is None


def test_a_settlement_of_an_earlier_version_knows_no_contents(tmp_path: Path) -> None:
    cache = CacheFolder(tmp_path / "cache")
    cache.write_note(NoteKind.CLOBBERS, "ab" * 32, b'{"losses": {}, "overwritten": {}, "outside": [], "met": []}')
    assert remembered_settlement(cache, "ab" * 32) == Settlement({}, {}, (), ())


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"losses": {"a": 1}, "overwritten": {}}'])
def test_a_note_of_another_form_counts_as_none(tmp_path: Path, content: bytes) -> None:
    cache = CacheFolder(tmp_path / "cache")
    cache.write_note(NoteKind.CLOBBERS, "ab" * 32, content)
    assert remembered_settlement(cache, "ab" * 32) is None
