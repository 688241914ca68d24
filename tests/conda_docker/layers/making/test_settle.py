"""Which package has a path that several bring."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from conda_docker.environment.packages.wheels import LockedWheel
from conda_docker.layers.making.settle import settle
from conda_docker.layers.member import Member
from conda_docker.layers.recipe import Recipe
from conda_docker.package.conda_format import PackageFile
from python_docker.streams.growing import GrowingFile
from tests.conda_docker.layers.ingredients import RECIPE, Pantry
from tests.conda_docker.packages import Symlink, SyntheticPackage
from tests.conda_docker.pypi.wheels import make_wheel


@pytest.fixture
def pantry(tmp_path: Path) -> Pantry:
    return Pantry(tmp_path)


def test_packages_that_do_not_meet_lose_nothing(pantry: Pantry) -> None:
    found = settle(pantry.add(*(SyntheticPackage(name=n, files={n: n}) for n in "ab")), {}, RECIPE, pantry.fetch)
    assert (found.losses, found.overwritten, found.outside, found.met) == ({}, {}, [], [])


def test_the_last_in_order_wins_though_it_arrives_first(pantry: Pantry) -> None:
    a, b = pantry.add(*(SyntheticPackage(name=n, files={"x": n, n: n}) for n in "ab"))
    found = settle([a, b], {}, RECIPE, lambda members: pantry.fetch([*members][::-1]))
    assert {stem: set(loss.without) for stem, loss in found.losses.items()} == {a.stem: {"x"}}
    assert found.overwritten == {}


def test_a_package_counts_once_it_is_there(pantry: Pantry) -> None:
    a, b = pantry.add(*(SyntheticPackage(name=n, files={"x": n}) for n in "ab"))

    def fetch(members: Sequence[Member]) -> Iterator[tuple[Member, PackageFile]]:
        yield a, GrowingFile("a", 1, os.open(os.devnull, os.O_RDONLY))
        yield from pantry.fetch(members)

    assert settle([a, b], {}, RECIPE, fetch).losses.keys() == {a.stem}


def test_what_a_wheel_wins_of_a_conda_package_is_counted(pantry: Pantry) -> None:
    recipe = Recipe("/opt/conda", "3.12.1")
    [a] = pantry.add(SyntheticPackage(name="a", files={f"{recipe.site_packages}/demo.py": "a"}))
    archive = make_wheel(pantry.folder, files={"demo.py": "w"})
    wheel = LockedWheel(name="demo", version="1.0", url=archive.as_uri())
    pantry.places[wheel.stem] = archive
    assert settle([a, wheel], {}, recipe, pantry.fetch).overwritten == {a.stem: 1}
    # What it replaces is left out of the package in any case.
    assert settle([a, wheel], {a.stem: ["demo"]}, recipe, pantry.fetch).overwritten == {}


def test_files_follow_a_folder_that_is_a_link_in_another_package(pantry: Pantry) -> None:
    a, b = pantry.add(
        SyntheticPackage(name="a", files={"lib64": Symlink("lib"), "lib/x": "x"}),
        SyntheticPackage(name="b", files={"lib64/x": "y"}),
    )
    found = settle([a, b], {}, RECIPE, pantry.fetch)
    assert found.losses[b.stem].moved == {"lib64": "lib"}
    assert set(found.losses[a.stem].without) == {"lib/x"}


def test_a_folder_that_is_a_file_in_another_package_is_named(pantry: Pantry) -> None:
    members = pantry.add(SyntheticPackage(name="a", files={"x/y": "y"}), SyntheticPackage(name="b", files={"x": "x"}))
    assert settle(members, {}, RECIPE, pantry.fetch).met == ["x"]
