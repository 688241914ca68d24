"""Layers that are there: found in stores, or made, and what is then known of their packages."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.layers.clobbers import Clobber, Settlement
from conda_docker.layers.facts import LayerFacts
from conda_docker.layers.made import MadeLayer, look_up, losing_groups, members_that_meet, with_settlement
from conda_docker.layers.member import Loss
from tests.conda_docker.layers.ingredients import RECIPE, Pantry, Store, in_order
from tests.conda_docker.packages import SyntheticPackage

CLOBBER = Clobber("b", "a", 1, "x")


@pytest.fixture
def pantry(tmp_path: Path) -> Pantry:
    return Pantry(tmp_path)


def two(pantry: Pantry) -> list[MadeLayer]:
    """Return the layers of two packages."""
    packages = pantry.add(SyntheticPackage(name="a"), SyntheticPackage(name="b"))
    return in_order(pantry.make([[package] for package in packages]))


@pytest.mark.parametrize(
    ("first", "second", "meet"),
    [("x", "x", True), ("x", "y", False), ("x", "x/y", True), ("x/y", "x", True), ("x/y", "x/z", False)],
)
def test_packages_meet_in_a_path_or_where_one_has_a_folder(tmp_path: Path, first: str, second: str, meet: bool) -> None:
    pantry = Pantry(tmp_path)
    packages = pantry.add(
        SyntheticPackage(name="a", files={first: "a"}), SyntheticPackage(name="b", files={second: "b"})
    )
    made = list(pantry.make([[package] for package in packages]))[:2]
    assert bool(members_that_meet(sorted(made, key=lambda layer: layer.position))) == meet


def test_packages_of_one_layer_that_clobber_each_other_meet(pantry: Pantry) -> None:
    packages = pantry.add(*(SyntheticPackage(name=name, files={"x": name}) for name in "ab"))
    [first, *_] = list(pantry.make([packages]))
    assert members_that_meet([first]) == packages


def test_a_layer_is_looked_up_in_stores_in_turn(pantry: Pantry) -> None:
    layer, _ = two(pantry)
    key = RECIPE.key(layer.members)
    assert key is not None
    empty, full = Store(), Store({key: (layer.layer, layer.facts)})
    found = look_up(3, layer.members, RECIPE, [empty, full], {}, extracted=False)
    assert found == MadeLayer(3, layer.members, layer.layer, layer.facts, cached=True)
    assert empty.asked == [key]
    assert look_up(3, layer.members, RECIPE, [empty], {}, extracted=False) is None


def test_a_layer_from_extracted_folders_is_found_only_where_it_is_wanted(pantry: Pantry) -> None:
    layer, _ = two(pantry)
    key = RECIPE.key(layer.members, extracted=True)
    assert key is not None
    store = Store({key: (layer.layer, LayerFacts())})
    assert look_up(0, layer.members, RECIPE, [store], {}, extracted=False) is None
    found = look_up(0, layer.members, RECIPE, [store], {}, extracted=True)
    assert found is not None
    assert found.extracted


def test_groups_in_which_some_package_loses(pantry: Pantry) -> None:
    a, b = (layer.members for layer in two(pantry))
    settlement = Settlement({b[0].stem: Loss(frozenset({"x"}))})
    assert losing_groups([a, b, a + b], settlement) == {1: b, 2: a + b}


def test_a_layer_knows_what_was_settled_of_its_own_packages(pantry: Pantry) -> None:
    a, b = two(pantry)
    settlement = Settlement({}, {a.members[0].stem: 2, "other-1-0": 5}, ("lib64",), ("x",), (CLOBBER,))
    settled = with_settlement(a, settlement, first=True)
    assert (settled.overwritten, settled.outside, settled.met) == ({a.members[0].stem: 2}, ("lib64",), ("x",))
    assert settled.clobbers == (CLOBBER,)
    assert with_settlement(b, settlement, first=False) == b
