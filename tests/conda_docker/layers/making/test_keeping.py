"""Layers are put into all stores, and the environment that they are of is known there when all of it is."""

from __future__ import annotations

from pathlib import Path

from conda_docker.layers.making.keeping import Keeping
from python_docker.parallel import Stop
from tests.conda_docker.layers.ingredients import RECIPE, Pantry, Store, in_order
from tests.conda_docker.packages import SyntheticPackage

A, B = SyntheticPackage(name="a"), SyntheticPackage(name="b")


def test_an_environment_is_kept_when_all_its_layers_are(tmp_path: Path) -> None:
    pantry, store = Pantry(tmp_path), Store()
    a, b = pantry.add(A, B)
    first, second = in_order(pantry.make([[a], [b]]))
    keeping = Keeping(RECIPE, pantry.stores(keep=[store]), Stop())
    keeping.keep(first, {})
    keeping.keep_plan([(a,), (b,)])
    assert (len(store.layers), store.plans) == (1, [])
    keeping.keep(second, {})
    keeping.keep_plan([(a,), (b,)])
    assert store.plans == [[RECIPE.key([a]), RECIPE.key([b])]]
    assert set(keeping.entries) == set(store.layers)
