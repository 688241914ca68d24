"""What the tar of a layer may not hold."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_docker.tar import TarEntry
from python_docker.validation import Severity, tar_rules, validate_source
from tests.python_docker.making import HELLO, Made
from tests.python_docker.stacks import tar_of
from tests.python_docker.tar.entries import write
from tests.python_docker.validation.problems import (
    ERROR,
    FILE,
    FOLDER,
    HARDLINK,
    SYMLINK,
    WARNING,
    has,
    told,
)


@pytest.mark.parametrize(
    ("members", "severity", "text"),
    [
        ([("a", FILE, b""), ("a", FILE, b"")], ERROR, "more than once, which Docker refuses: 'a'"),
        ([("a", FOLDER, ""), ("./a/", FOLDER, "")], ERROR, "more than once, which Docker refuses: 'a'"),
        ([("../a", FILE, b"")], ERROR, "a path leaves the root: '../a'"),
        ([("b/../../a", FILE, b""), ("b", FOLDER, "")], ERROR, "a path leaves the root"),
        ([("/a", FILE, b"")], WARNING, "a path is absolute: '/a'"),
        ([("a", FOLDER, ""), ("a/../b", FILE, b"")], WARNING, "a path holds '..'"),
        ([(".", FILE, b"")], ERROR, "the root is not a folder"),
        ([("a", FILE, b""), ("a/b", FILE, b"")], ERROR, "is below something that is not a folder: 'a/b' ('a')"),
        ([("a", SYMLINK, "b"), ("a/b", FILE, b"")], WARNING, "leads through a symbolic link"),
        ([("a", SYMLINK, "")], ERROR, "a symbolic link has no target: 'a'"),
        ([("a", HARDLINK, "b"), ("b", FILE, b"")], ERROR, "a hard link comes before its target: 'a' ('b')"),
        ([("a", HARDLINK, "b")], ERROR, "leads to 'b', which is not there"),
        ([("b", FOLDER, ""), ("a", HARDLINK, "b")], ERROR, "a hard link leads to a folder"),
        ([("a", HARDLINK, "etc/greeting")], WARNING, "of a lower layer, which may fail"),
        ([(".wh.", FILE, b"")], ERROR, "a whiteout names nothing"),
        ([(".wh...", FILE, b"")], ERROR, "a whiteout names nothing"),
        ([("a", FILE, b""), (".wh.a", FILE, b"")], ERROR, "a whiteout comes after what it names"),
        ([(".wh.a", FOLDER, "")], WARNING, "a whiteout is not an empty file"),
        ([(".wh.a", FILE, b"x")], WARNING, "a whiteout is not an empty file"),
        ([(".wh..wh.plnk", FOLDER, "")], WARNING, "a leftover of aufs"),
        (
            [("a/b/c", FILE, b"")],
            WARNING,
            "a folder has no entry of its own: engines differ in owner and mode: 'a', 'a/b'",
        ),
        ([("n" * 256, FILE, b"")], ERROR, "a name has more than 255 bytes"),
    ],
)
def test_what_a_layer_may_not_hold(members: list[Any], severity: Severity, text: str) -> None:
    report = validate_source(Made([HELLO, tar_of(members)]))
    assert has(report, severity, text), told(report)
    assert report.ok is (severity is WARNING), told(report)
    assert all("layer 2 of 2" in problem for problem in told(report))


def test_whiteouts_and_links_that_are_right_are_no_problem() -> None:
    members: list[Any] = [
        (".", FOLDER, ""),
        (".wh.a", FILE, b""),
        ("a", FILE, b""),
        ("etc", FOLDER, ""),
        ("etc/.wh..wh..opq", FILE, b""),
        ("etc/b", FILE, b""),
        ("etc/c", HARDLINK, "/etc/b"),
        ("etc/d", SYMLINK, "/somewhere/else"),
        ("..e", FILE, b""),
        ("f...", FILE, b""),
        ("\u00e9" * 127, FILE, b""),
    ]
    assert told(validate_source(Made([HELLO, tar_of(members)]))) == []


def test_many_of_a_kind_are_told_in_one_line() -> None:
    tar = tar_of([(f"/f{number}", FILE, b"") for number in range(500)])
    assert [problem.message for problem in validate_source(Made([tar])).problems] == [
        "a path is absolute: '/f0', '/f1', '/f2' and 497 more"
    ]


def test_there_is_an_end_to_how_many_paths_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar_rules, "_MAX_PATHS", 10)
    tar = tar_of([(f"f{number}", FILE, b"") for number in range(12)])
    assert [problem.message for problem in validate_source(Made([tar])).problems] == [
        "there are more than 10 paths; what follows was not checked: 'f10', 'f11'"
    ]


@given(st.lists(st.sampled_from("ab").map(lambda name: (TarEntry(name), b"")), max_size=3), st.binary(max_size=2000))
def test_any_layer_raises_nothing(members: list[Any], garbage: bytes) -> None:
    tar = write(members[:1]) + garbage
    validate_source(Made([tar, garbage]))
