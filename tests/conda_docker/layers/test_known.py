"""What stores have of a plan, without making anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.layers.known import known_layers
from tests.conda_docker.layers.ingredients import RECIPE, Pantry, Store, in_order, layer_plan
from tests.conda_docker.packages import SyntheticPackage


@pytest.fixture
def pantry(tmp_path: Path) -> Pantry:
    return Pantry(tmp_path)


def test_layers_that_no_store_has_are_none(pantry: Pantry) -> None:
    a, b = pantry.add(SyntheticPackage(name="a"), SyntheticPackage(name="b"))
    store = Store()
    in_order(pantry.make([[a]], stores=[store]))
    first, second = known_layers(layer_plan([[a], [b]]), RECIPE, pantry.stores([store]))
    assert (first and first.cached, second) == (True, None)


def test_layers_that_do_not_meet_are_as_they_were_made(pantry: Pantry) -> None:
    members = pantry.add(*(SyntheticPackage(name=name, files={name: b"x"}) for name in "ab"))
    store, plan = Store(), [[member] for member in members]
    made = in_order(pantry.make(plan, stores=[store]))
    known = known_layers(layer_plan(plan), RECIPE, pantry.stores([store]))
    assert [layer and layer.layer.digest for layer in known] == [layer.layer.digest for layer in made]


def test_what_was_settled_counts(pantry: Pantry) -> None:
    members = pantry.add(*(SyntheticPackage(name=name, files={"x": name.encode()}) for name in "ab"))
    store, plan = Store(), [[member] for member in members]
    made = in_order(pantry.make(plan, stores=[store]))
    pantry.fetched.clear()
    known = known_layers(layer_plan(plan), RECIPE, pantry.stores([store]))
    assert [layer and layer.layer.digest for layer in known] == [layer.layer.digest for layer in made]
    assert not pantry.fetched


def test_layers_that_meet_are_not_known_before_they_are_settled(pantry: Pantry) -> None:
    members = pantry.add(*(SyntheticPackage(name=name, files={"x": name.encode()}) for name in "ab"))
    [apart] = pantry.add(SyntheticPackage(name="c"))
    store = Store()
    for member in (*members, apart):
        in_order(pantry.make([[member]], stores=[store]))
    known = known_layers(layer_plan([[member] for member in (*members, apart)]), RECIPE, pantry.stores([store]))
    assert [layer is not None for layer in known] == [False, False, True]
