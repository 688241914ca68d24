"""The two functions that prove where a path leads."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_docker.errors import InvalidPath
from python_docker.tar import TarEntry, clamped_path, contained_path

RAW = st.text(st.sampled_from("ab./\0\u00e9"), max_size=12)


@pytest.mark.parametrize(
    ("path", "contained"),
    [
        ("a", "a"),
        ("a/b", "a/b"),
        ("/a", "a"),
        ("//a//b//", "a/b"),
        ("./a/./b/.", "a/b"),
        ("a/.hidden", "a/.hidden"),
        (".hidden", ".hidden"),
        ("a/..b/c..", "a/..b/c.."),
        ("...", "..."),
    ],
)
def test_paths_that_stay_in_their_root(path: str, contained: str) -> None:
    assert contained_path(path) == clamped_path(path) == contained


@pytest.mark.parametrize("path", ["", "/", ".", "./", "..", "a/..", "../a", "a/../b", "/..", "a\0b", "\0"])
def test_paths_that_do_not_are_refused(path: str) -> None:
    with pytest.raises(InvalidPath):
        contained_path(path)


@given(RAW)
def test_a_contained_path_is_relative_tidy_and_stays_so(path: str) -> None:
    try:
        contained = contained_path(path)
    except InvalidPath:
        return
    assert contained == posixpath.normpath(contained)
    assert not contained.startswith(("/", "../"))
    assert contained not in ("", ".", "..")
    assert contained_path(contained) == clamped_path(contained) == clamped_path(path) == contained


@given(RAW)
def test_a_clamped_path_is_where_a_container_finds_it(path: str) -> None:
    assert clamped_path(path) == posixpath.normpath("/" + path).strip("/")


def test_an_entry_is_a_plain_file_unless_it_says_otherwise() -> None:
    entry = TarEntry("a")
    assert (entry.mode, entry.uid, entry.gid, entry.mtime, dict(entry.xattrs)) == (0o644, 0, 0, 0, {})
