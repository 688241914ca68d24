"""Which files are left out of an image."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from conda_docker.link.filter import KEEP_ALL, FileFilter, conda_file_filter


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("lib/libz.a", False),
        ("lib/libz.so", True),
        ("lib/liba", True),
        ("lib/x.a/y", True),
        ("share/x.js.map", False),
        ("share/x.js", True),
        ("share/x.map", True),
        ("share/x.css.map", True),
        (".a", False),
    ],
)
def test_static_libraries_and_source_maps_are_trimmed(path: str, kept: bool) -> None:
    assert FileFilter(trim_static_libs=True, trim_js_maps=True).keeps(path) is kept
    assert KEEP_ALL.keeps(path)


def test_trimming_is_by_kind() -> None:
    assert FileFilter(trim_js_maps=True).keeps("lib/libz.a")
    assert FileFilter(trim_static_libs=True).keeps("x.js.map")
    assert not FileFilter(trim_js_maps=True).keeps("x.js.map")


@pytest.mark.parametrize(
    ("glob", "path", "excluded"),
    [
        ("*.pyi", "lib/python3.12/site-packages/a.pyi", True),
        ("*.pyi", "a.pyi", True),
        ("*.pyi", "a.pyix", False),
        ("tests", "lib/python3.12/site-packages/m/tests/test_a.py", True),
        ("tests", "tests", True),
        ("tests", "lib/mytests/a", False),
        ("tests/", "lib/tests/a", True),
        ("share/doc", "share/doc/z/README", True),
        ("share/doc", "lib/share/doc/x", False),
        ("share/doc", "share/docs", False),
        ("/share", "share/x", True),
        ("/share", "lib/share/x", False),
        ("share/doc/**", "share/doc/a/b", True),
        ("share/doc/**", "share/doc", False),
        ("share/*/x", "share/a/x", True),
        ("share/*/x", "share/a/b/x", False),
        ("share/**/x", "share/a/b/x", True),
        ("share/**/x", "share/x", True),
        ("**/x", "x", True),
        ("**/x", "a/b/x", True),
        ("a**z", "a/b/z", False),
        ("a**z", "abz", True),
        ("lib?", "libz", True),
        ("lib?", "lib/", False),
        ("[ab].txt", "b.txt", True),
        ("[!ab].txt", "b.txt", False),
        ("[!ab].txt", "c.txt", True),
        (r"\[x", "[x", True),
        ("a.b", "aXb", False),
        ("(a|b)+", "(a|b)+", True),
        (r"\#x", "#x", True),
        ("*", "a\nb", True),
    ],
)
def test_patterns_exclude(glob: str, path: str, excluded: bool) -> None:
    assert FileFilter(exclude=(glob,)).keeps(path) is not excluded


def test_any_of_several_patterns_excludes() -> None:
    keeps = FileFilter(False, False, ("*.pyi", "share/doc", "a|b")).keeps
    assert [keeps(path) for path in ("x.pyi", "share/doc/a", "a|b", "a", "x.a")] == [False, False, False, True, True]


@pytest.mark.parametrize("glob", ["", "/", "[z-a]", "[x", "!", "# comment"])
def test_a_pattern_that_matches_nothing_is_refused(glob: str) -> None:
    with pytest.raises(ValueError, match="is not a valid pattern"):
        FileFilter(exclude=(glob,))


def test_a_later_pattern_takes_back_what_an_earlier_one_left_out() -> None:
    keeps = FileFilter(exclude=("*.txt", "!LICENSE.txt")).keeps
    assert [keeps(path) for path in ("a/notes.txt", "a/LICENSE.txt")] == [False, True]
    assert not FileFilter(exclude=("!LICENSE.txt", "*.txt")).keeps("a/LICENSE.txt")


def test_filters_are_values() -> None:
    assert FileFilter(exclude=("a",)) == FileFilter(exclude=("a",))
    assert hash(FileFilter()) == hash(FileFilter())


def test_the_filter_of_earlier_releases_works_with_tarfile(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    for name in ("libz.a", "d/x.js.map", "d/libz.so"):
        (tmp_path / name).touch()
    with tarfile.open(tmp_path / "t.tar", "w") as tar:
        tar.add(tmp_path / "d", "d", filter=conda_file_filter())
        tar.add(tmp_path / "libz.a", "libz.a", filter=conda_file_filter())
        tar.add(tmp_path / "libz.a", "kept.a", filter=conda_file_filter(trim_static_libs=False))
        assert tar.getnames() == ["d", "d/libz.so", "kept.a"]
