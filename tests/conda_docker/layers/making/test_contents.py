"""Which files of packages others have with different contents."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from conda_docker.environment.packages.wheels import LockedWheel
from conda_docker.layers.clobbers import Clobber
from conda_docker.layers.making.settle import settle
from conda_docker.layers.recipe import Recipe
from tests.conda_docker.layers.ingredients import RECIPE, Pantry
from tests.conda_docker.packages import Entry, File, HardLink, Symlink, SyntheticPackage
from tests.conda_docker.pypi.wheels import make_wheel

WITH_PYTHON = Recipe("/opt/conda", "3.12.1")


@pytest.fixture
def pantry(tmp_path: Path) -> Pantry:
    return Pantry(tmp_path)


def clobbers(pantry: Pantry, *packages: SyntheticPackage, recipe: Recipe = RECIPE) -> list[Clobber]:
    return [*settle(pantry.add(*packages), {}, recipe, pantry.fetch).clobbers]


def of_two(pantry: Pantry, first: Mapping[str, Entry | str], second: Mapping[str, Entry | str]) -> list[Clobber]:
    return clobbers(pantry, SyntheticPackage(name="a", files=first), SyntheticPackage(name="b", files=second))


def test_the_last_one_wins_over_each_other(pantry: Pantry) -> None:
    packages = [SyntheticPackage(name=name, files={"x": name, "y": name, name: name}) for name in "abc"]
    assert clobbers(pantry, *packages) == [Clobber("c", "a", 2, "x"), Clobber("c", "b", 2, "x")]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("same", "same"),
        (File(b"#!/first/bin/sh", placeholder="/first"), File(b"#!/second/bin/sh", placeholder="/second")),
        (File(b"/first", placeholder="/first"), "/opt/conda"),
        (Symlink("z"), Symlink("z")),
        (HardLink("s"), "shared"),
    ],
    ids=["file", "placeholders", "placeholder", "link", "hard link"],
)
def test_the_same_contents_are_nothing_to_speak_of(pantry: Pantry, first: Entry | str, second: Entry | str) -> None:
    assert of_two(pantry, {"s": "shared", "x": first}, {"s": "shared", "x": second}) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("one", "another"),
        (File(b"#!/first/bin/sh", placeholder="/first"), File(b"#!/second/bin/bash", placeholder="/second")),
        (Symlink("y"), Symlink("z")),
        (Symlink("y"), "y"),
    ],
    ids=["file", "placeholders", "link", "link and file"],
)
def test_other_contents(pantry: Pantry, first: Entry | str, second: Entry | str) -> None:
    assert of_two(pantry, {"x": first}, {"x": second}) == [Clobber("b", "a", 1, "x")]


def test_an_archive_that_must_be_read_twice(pantry: Pantry) -> None:
    """A hard link whose target is rewritten, and it is not, needs the file as it was in the archive."""
    first: dict[str, Entry | str] = {"s": File(b"/first", placeholder="/first"), "x": HardLink("s")}
    assert of_two(pantry, first, {"x": "/first"}) == []
    assert of_two(pantry, first, {"x": "/opt/conda"}) == [Clobber("b", "a", 1, "x")]


def test_compiled_modules_do_not_count(pantry: Pantry) -> None:
    assert of_two(pantry, {"lib/__pycache__/x.pyc": "1"}, {"lib/__pycache__/x.pyc": "2"}) == []


def test_commands_of_two_packages(pantry: Pantry) -> None:
    def package(name: str, module: str) -> SyntheticPackage:
        return SyntheticPackage(name=name, noarch="python", entry_points=[f"run = {module}:main"])

    assert clobbers(pantry, package("a", "m"), package("b", "m"), recipe=WITH_PYTHON) == []
    assert clobbers(pantry, package("c", "m"), package("d", "n"), recipe=WITH_PYTHON) == [
        Clobber("d", "c", 1, "bin/run")
    ]


def test_files_that_follow_a_folder(pantry: Pantry) -> None:
    first: dict[str, Entry | str] = {"lib64": Symlink("lib"), "lib/x": "1"}
    assert of_two(pantry, first, {"lib64/x": "1"}) == []
    assert of_two(pantry, first, {"lib64/x": "2"}) == [Clobber("b", "a", 1, "lib/x")]


def test_wheels_among_themselves(pantry: Pantry) -> None:
    wheels = []
    for name in ("one", "two"):
        (folder := pantry.folder / name).mkdir()
        archive = make_wheel(folder, name=name, files={"tests/__init__.py": "", "tests/x.py": name})
        wheels.append(LockedWheel(name=name, version="1.0", url=archive.as_uri()))
        pantry.places[wheels[-1].stem] = archive
    site = WITH_PYTHON.site_packages
    assert settle(wheels, {}, WITH_PYTHON, pantry.fetch).clobbers == [Clobber("two", "one", 1, f"{site}/tests/x.py")]
