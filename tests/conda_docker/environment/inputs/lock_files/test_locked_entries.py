"""What the formats of lock files have in common."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.environment.inputs.lock_files.locked_entries import (
    SourceEntry,
    in_order,
    missing_hashes,
    pip_entry,
    pip_packages,
    unique,
)
from conda_docker.environment.locked import package_from_url
from conda_docker.environment.packages.wheels import LockedWheel
from conda_docker.errors import InvalidEnvironment

HASH = "a" * 64
WHEEL = "https://host/A_b-1.0-py3-none-any.whl"


def entry(location: str, version: str | None = None, sha256: str | None = None) -> LockedWheel | SourceEntry:
    return pip_entry("A_b", version, location, sha256=sha256, folder=Path("/folder"), where="line 3")


def test_a_wheel_with_its_hash_in_the_url() -> None:
    wheel = entry(f"{WHEEL}#sha256={HASH.upper()}")
    assert isinstance(wheel, LockedWheel)
    assert (wheel.name, wheel.version, wheel.sha256, wheel.direct) == ("a-b", "1.0", HASH, False)


def test_a_wheel_that_was_asked_for_by_its_url() -> None:
    wheel = entry(f"direct+{WHEEL}")
    assert isinstance(wheel, LockedWheel)
    assert (wheel.direct, wheel.url) == (True, WHEEL)


@pytest.mark.parametrize(
    ("location", "requirement"),
    [
        ("https://host/a-b-1.0.tar.gz", "a-b @ https://host/a-b-1.0.tar.gz"),
        (
            "git+https://host/a.git?rev=main&subdirectory=py#0123abc",
            "a-b @ git+https://host/a.git@0123abc#subdirectory=py",
        ),
        ("git+https://host/a.git?tag=v1", "a-b @ git+https://host/a.git@v1"),
        ("git+https://host/a.git@v2#egg=a", "a-b @ git+https://host/a.git@v2#egg=a"),
    ],
)
def test_what_is_to_be_built(location: str, requirement: str) -> None:
    assert entry(location) == SourceEntry("a-b", requirement)


@pytest.mark.parametrize(
    ("location", "sha256", "words"),
    [
        (WHEEL, "abc", "line 3: the sha256 of a-b is not 64 hexadecimal digits"),
        ("https://host/strange.whl", None, "line 3: the file name of a-b does not say its version"),
    ],
)
def test_what_cannot_be(location: str, sha256: str | None, words: str) -> None:
    with pytest.raises(InvalidEnvironment, match=words):
        entry(location, sha256=sha256)


def wheel(name: str, *requires: str, version: str = "1", sha256: str | None = HASH) -> LockedWheel:
    url = f"https://host/{name}-{version}-py3-none-any.whl"
    return LockedWheel(name=name, version=version, url=url, requires=requires, sha256=sha256)


def test_sources_must_agree_with_the_wheels() -> None:
    sources = SourceEntry("b", "b @ https://host/b.tar.gz")
    wheels, pip = pip_packages([(wheel("a"), "1"), (sources, "2")], "x.lock", Path("/folder"))
    assert wheels == (wheel("a"),)
    assert pip is not None
    assert (pip.requirements, pip.constraints, pip.origin) == ((sources.requirement,), ("a==1",), "x.lock")


def test_a_repetition_is_one_and_a_contradiction_is_refused() -> None:
    assert unique([(wheel("a"), "line 1"), (wheel("a"), "line 2")], "pip package") == (wheel("a"),)
    with pytest.raises(InvalidEnvironment, match=r"line 2 names the pip package a again: .*; line 1 has"):
        unique([(wheel("a"), "line 1"), (wheel("a", version="2"), "line 2")], "pip package")


def test_what_others_need_comes_first() -> None:
    assert [found.name for found in in_order([wheel("a", "C_d>1"), wheel("c-d")])] == ["c-d", "a"]


def test_missing_hashes_are_named() -> None:
    packages = [package_from_url(f"https://host/noarch/p{number}-1-0.conda") for number in range(6)]
    [warning] = missing_hashes(packages, [wheel("w", sha256=None)], "x.lock")
    assert warning == "x.lock has no hash for 7 packages, which cannot be verified: p0, p1, p2, p3, p4 and 2 more"
    assert missing_hashes([], [wheel("w")], "x.lock") == ()
