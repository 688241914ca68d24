"""Every kind of package, linked here and installed by rattler: the files are the same."""

from __future__ import annotations

import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conda_docker.errors import InvalidPackage
from python_docker.tar import EntryType
from tests.conda_docker.kinds import KINDS, LONG, PYTHON, TEXT, listed, member
from tests.conda_docker.oracle import Installed, Rattler, RattlerFailed, differences, link_archives, normalized
from tests.conda_docker.packages import Entry, File, Folder, Symlink, SyntheticPackage
from tests.conda_docker.strategies import packages


@pytest.mark.parametrize("suffix", [".conda", ".tar.bz2"])
@pytest.mark.parametrize("kind", KINDS)
def test_files_are_those_that_rattler_installs(kind: str, suffix: str, rattler: Rattler, tmp_path: Path) -> None:
    archives = [package.write(tmp_path, suffix) for package in KINDS[kind]]
    installed, _ = rattler.install(archives)
    assert differences(installed, link_archives(archives)) == []


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(package=packages(), suffix=st.sampled_from([".conda", ".tar.bz2"]), info_last=st.booleans())
def test_files_of_any_package_are_those_that_rattler_installs(
    package: SyntheticPackage, suffix: str, info_last: bool, rattler: Rattler, tmp_path: Path
) -> None:
    archives = [replace(package, info_last=info_last).write(tmp_path, suffix), PYTHON.write(tmp_path)]
    installed, _ = rattler.install(archives)
    assert differences(installed, link_archives(archives)) == []


def test_the_dependent_wins_a_path(rattler: Rattler, tmp_path: Path) -> None:
    files: dict[str, Entry | str] = {"both": "x", "lib/both": Symlink("x")}
    first = SyntheticPackage(name="z", files={**files, "z": "z"})
    second = SyntheticPackage(name="a", depends=["z"], files={**files, "both": "y", "a": "a"})
    archives = [first.write(tmp_path), second.write(tmp_path)]
    installed, _ = rattler.install(archives)
    assert installed["both"].content == b"y"
    assert differences(installed, link_archives(archives)) == []


# What rattler does with these is not what anybody can want; each test's name says what is done here.


def installed_and_linked(
    package: SyntheticPackage, rattler: Rattler, folder: Path
) -> tuple[dict[str, Installed], dict[str, Installed]]:
    archive = package.write(folder)
    installed, _ = rattler.install([archive])
    return normalized(installed), link_archives([archive])


def test_a_link_with_a_placeholder_stays_a_link(rattler: Rattler, tmp_path: Path) -> None:
    # As in conda. rattler installs the file that it leads to in its place, and fails if there is none.
    package = SyntheticPackage(
        name="a",
        files={"f": TEXT},
        more_members=[member("g", tarfile.SYMTYPE, link="f")],
        listed=[listed("g", path_type="softlink", prefix_placeholder=LONG, file_mode="text")],
    )
    theirs, ours = installed_and_linked(package, rattler, tmp_path)
    assert (theirs["g"].type, ours["g"].type, ours["g"].target) == (EntryType.FILE, EntryType.SYMLINK, "f")


def test_metadata_is_not_installed_even_if_it_is_listed(rattler: Rattler, tmp_path: Path) -> None:
    # CEP 34 forbids to list it.
    package = SyntheticPackage(name="a", files={"f": "f"}, listed=[listed("info/about.json")])
    theirs, ours = installed_and_linked(package, rattler, tmp_path)
    assert "info/about.json" in theirs
    assert {path for path in ours if path.startswith("info")} == set()


def test_a_first_line_that_is_no_text_keeps_its_bytes(rattler: Rattler, tmp_path: Path) -> None:
    # rattler replaces such bytes by question marks.
    package = SyntheticPackage(name="a", files={"f": File(b"#!/bin/\xff\n", placeholder=LONG)})
    theirs, ours = installed_and_linked(package, rattler, tmp_path)
    assert (theirs["f"].content, ours["f"].content) == (b"#!/bin/\xef\xbf\xbd\n", b"#!/bin/\xff\n")


def test_an_entry_point_does_not_write_through_a_link(rattler: Rattler, tmp_path: Path) -> None:
    package = SyntheticPackage(
        name="np", noarch="python", files={"bin/c": Symlink("f"), "bin/f": "own"}, entry_points=["c = m:f"]
    )
    archives = [package.write(tmp_path), PYTHON.write(tmp_path)]
    ours = link_archives(archives)
    assert (ours["bin/c"].type, ours["bin/f"].content) == (EntryType.FILE, b"own")


LENIENT = {
    "a folder that is listed is made": (
        SyntheticPackage(name="a", files={"e": Folder(listed=True, mode=0o700)}),
        Installed(EntryType.DIRECTORY, 0o755),
    ),
    "a file that is listed as a link is copied": (
        SyntheticPackage(name="a", files={"e": "x"}, unlisted=["e"], listed=[listed("e", path_type="softlink")]),
        Installed(EntryType.FILE, 0o644, content=b"x"),
    ),
    "a path without a type is a file": (
        SyntheticPackage(name="a", files={"e": "x"}, unlisted=["e"], listed=[{"_path": "e"}]),
        Installed(EntryType.FILE, 0o644, content=b"x"),
    ),
}


@pytest.mark.parametrize("kind", LENIENT)
def test_some_packages_are_linked_that_rattler_cannot_install(kind: str, rattler: Rattler, tmp_path: Path) -> None:
    package, expected = LENIENT[kind]
    archive = package.write(tmp_path)
    with pytest.raises(RattlerFailed):
        rattler.install([archive])
    assert link_archives([archive])["e"] == expected


def test_a_link_that_is_listed_and_missing_is_missed(rattler: Rattler, tmp_path: Path) -> None:
    # rattler passes it over, for Windows' sake.
    archive = SyntheticPackage(name="a", listed=[listed("e", path_type="softlink")]).write(tmp_path)
    rattler.install([archive])
    with pytest.raises(InvalidPackage, match="lists 'e', which is not in it"):
        link_archives([archive])
