"""Layers are looked up in stores, else made, and given as they become ready."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from conda_docker.environment.packages.wheels import LockedWheel
from conda_docker.errors import CacheError, InterpreterNotFound, InvalidPackage
from conda_docker.layers.facts import LayerFacts
from conda_docker.layers.make import make_layers
from conda_docker.layers.member import Member
from conda_docker.layers.recipe import Recipe
from conda_docker.layers.stores.folder import FolderStore
from conda_docker.layers.stores.layer_stores import LayerStores
from conda_docker.link.bytecode.interpreter import Interpreters
from conda_docker.link.bytecode.python_program import exact_version, minor_version
from conda_docker.package.conda_format import PackageFile
from python_docker.image.layer import Layer
from python_docker.parallel import Stop
from python_docker.spec.digest import Digest
from python_docker.streams.growing import GrowingFile
from tests.conda_docker.layers.ingredients import RECIPE, Pantry, Store, in_order, layer_plan
from tests.conda_docker.packages import SyntheticPackage
from tests.conda_docker.pypi.wheels import make_wheel
from tests.damage import flip_a_bit

A = SyntheticPackage(name="a", files={"share/a": "a", "share/x": "a"})
B = SyntheticPackage(name="b", files={"share/b": "b", "share/x": "b"})
C = SyntheticPackage(name="c", files={"share/c": "c"})
VERSION = exact_version()
PYTHON = SyntheticPackage(name="python", version=VERSION, files={"bin/python": "python"})
MODULE = SyntheticPackage(name="m", noarch="python", files={"site-packages/m.py": "x = 1"})
COMPILING = Recipe("/opt/conda", VERSION, bytecode=VERSION)


@pytest.fixture
def pantry(tmp_path: Path) -> Pantry:
    return Pantry(tmp_path)


def shared(pantry: Pantry, plan: Sequence[Sequence[Member]], **options: object) -> list[set[str]]:
    """The files below share/ in each layer."""
    return [
        {path.rpartition("/")[2] for path in layer.layer.list_files() if "/share/" in path}
        for layer in in_order(pantry.make(plan, **options))  # type: ignore[arg-type]
    ]


def test_layers_are_looked_up_in_the_stores_in_turn(pantry: Pantry) -> None:
    a, c = pantry.add(A, C)
    first, second = Store(), Store()
    in_order(pantry.make([[c]], stores=[second]))
    pantry.fetched.clear()
    made = in_order(pantry.make([[a], [c]], stores=[first, second], keep=[first]))
    assert [layer.cached for layer in made] == [False, True]
    assert pantry.fetched == [a.stem]
    assert second.asked[-1] == first.asked[-1]


@dataclass
class Told:
    """A `Progress` that writes down what begins and how it ends; `ended` is set when something has."""

    said: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def start(self, label: str, total: int | None) -> Told:
        self.said.append(label)
        return self

    def advance(self, size: int) -> None:
        """How far it is does not matter."""

    def finish(self, outcome: str = "") -> None:
        self.said.append(outcome)
        self.ended.set()


def test_a_layer_of_a_package_that_turns_out_to_be_another_is_made_again(pantry: Pantry) -> None:
    [a] = pantry.add(A)
    told = Told()

    def fetch(members: Sequence[Member]) -> Iterator[tuple[Member, PackageFile]]:
        abandoned = GrowingFile("a", 1, os.open(os.devnull, os.O_RDONLY))
        abandoned.abandon()
        yield a, abandoned
        assert told.ended.wait(120)
        yield from pantry.fetch(members)

    [made] = make_layers(layer_plan([[a]]), RECIPE, pantry.stores(), fetch, progress=told)
    assert "opt/conda/share/a" in made.layer.list_files()
    assert told.said == ["layer a", "again", "layer a", ""]


def test_what_is_made_is_kept_under_its_key(pantry: Pantry) -> None:
    [a] = pantry.add(A)
    store = Store()
    [made] = pantry.make([[a]], stores=[store])
    layer, facts = store.layers[RECIPE.key([a]) or ""]
    assert (layer.digest, facts) == (made.layer.digest, made.facts)


def test_a_second_time_nothing_is_fetched(pantry: Pantry) -> None:
    plan = [[package] for package in pantry.add(A, B, C)]
    store = Store()
    first = in_order(pantry.make(plan, stores=[store]))
    pantry.fetched.clear()
    second = in_order(pantry.make(plan, stores=[store]))
    assert [layer.layer.digest for layer in first] == [layer.layer.digest for layer in second]
    assert all(layer.cached for layer in second)
    assert pantry.fetched == []


def test_a_layer_is_given_before_other_packages_arrive(pantry: Pantry) -> None:
    a, c = pantry.add(A, C)
    given = threading.Event()
    fetch = pantry.fetch

    def slowly(members: Sequence[Member]) -> Iterator[tuple[Member, Path]]:
        yield from fetch([a])
        assert given.wait(120)
        yield from fetch([c])

    pantry.fetch = slowly  # type: ignore[method-assign]
    layers = pantry.make([[a], [c]])
    assert next(layers).position == 0
    given.set()
    assert [layer.position for layer in layers] == [1]


@pytest.mark.parametrize("keep", [True, False])
def test_layers_of_stores_are_given_while_packages_are_awaited(pantry: Pantry, keep: bool) -> None:
    a, c = pantry.add(A, C)
    store = Store()
    in_order(pantry.make([[c]], stores=[store]))
    given = threading.Event()
    fetch = pantry.fetch

    def slowly(members: Sequence[Member]) -> Iterator[tuple[Member, Path]]:
        assert given.wait(120)
        yield from fetch(members)

    pantry.fetch = slowly  # type: ignore[method-assign]
    layers = pantry.make([[a], [c]], stores=[store], keep=[store] if keep else [])
    assert next(layers).position == 1
    given.set()
    assert [layer.position for layer in layers] == [0]


def test_an_error_of_one_part_ends_all(pantry: Pantry) -> None:
    a, c = pantry.add(A, C)
    stop, fetch = Stop(), pantry.fetch

    class Full(Store):
        def put(self, key: str, layer: Layer, facts: LayerFacts, inputs: Mapping[str, Any]) -> Layer:
            raise CacheError("the disk is full")

    def slowly(members: Sequence[Member]) -> Iterator[tuple[Member, Path]]:
        yield from fetch([a])
        wait([stop.future], 30)
        raise CancelledError

    pantry.fetch = slowly  # type: ignore[method-assign]
    with pytest.raises(CacheError, match="the disk is full"):
        list(pantry.make([[a], [c]], keep=[Full()], stop=stop))
    assert isinstance(stop.cause, CacheError)


def test_who_waits_for_layers_can_be_told_that_they_are_in_vain(pantry: Pantry) -> None:
    [a] = pantry.add(A)
    stop = Stop()

    def never(members: Sequence[Member]) -> Iterator[tuple[Member, Path]]:
        stop.set(OSError("the registry has gone"))
        wait([stop.future], 30)
        raise CancelledError
        yield

    pantry.fetch = never  # type: ignore[method-assign]
    with pytest.raises((OSError, CancelledError)):
        list(pantry.make([[a]], stop=stop))


def test_the_last_in_order_wins_a_path_and_the_others_layer_is_given_again(pantry: Pantry) -> None:
    a, b, c = pantry.add(A, B, C)
    given = [layer.position for layer in pantry.make([[a], [b], [c]])]
    assert sorted(given) == [0, 0, 1, 2]
    assert shared(pantry, [[a], [b]]) == [{"a"}, {"b", "x"}]


@pytest.mark.parametrize("grouped", [True, False])
def test_the_order_may_be_another_than_that_of_layers(pantry: Pantry, grouped: bool) -> None:
    a, b = pantry.add(A, B)
    plan = [[a, b]] if grouped else [[a], [b]]
    assert shared(pantry, plan, order=[b, a])[0] >= {"a", "x"}
    listed = [path for layer in in_order(pantry.make(plan, order=[b, a])) for path in layer.layer.list_files()]
    assert listed.count("opt/conda/share/x") == 1


def test_what_was_settled_once_is_remembered(pantry: Pantry) -> None:
    plan = [[package] for package in pantry.add(A, B)]
    store = Store()
    in_order(pantry.make(plan, stores=[store]))
    pantry.fetched.clear()
    assert all(layer.cached for layer in in_order(pantry.make(plan, stores=[store])))
    assert pantry.fetched == []


def test_files_that_a_wheel_overwrites_are_counted(pantry: Pantry) -> None:
    recipe = Recipe("/opt/conda", VERSION)
    site = recipe.site_packages
    [a] = pantry.add(SyntheticPackage(name="a", files={f"{site}/demo.py": "a", "share/a": "a"}))
    archive = make_wheel(pantry.folder, files={"demo.py": "w"})
    wheel = LockedWheel(name="demo", version="1.0", url=archive.as_uri())
    pantry.places[wheel.stem] = archive
    made = in_order(pantry.make([[a], [wheel]], recipe))
    assert made[0].overwritten == {a.stem: 1}
    assert f"opt/conda/{site}/demo.py" in made[1].layer.list_files()
    assert f"opt/conda/{site}/demo.py" not in made[0].layer.list_files()


@pytest.mark.skipif(os.name != "posix", reason="needs this Python as a program")
def test_modules_are_compiled_by_the_recipes_python(pantry: Pantry) -> None:
    python, module = pantry.add(PYTHON, MODULE)
    interpreters = Interpreters(python, "linux-64", pantry.folder)
    tag = f"cpython-{minor_version(VERSION).replace('.', '')}"
    [made] = pantry.make([[module]], COMPILING, interpreters=interpreters)
    assert f"opt/conda/{COMPILING.site_packages}/__pycache__/m.{tag}.pyc" in made.layer.list_files()


def test_without_an_interpreter_nothing_is_made(pantry: Pantry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    python, module, c = pantry.add(replace(PYTHON, version="3.99.1"), MODULE, C)
    recipe = Recipe("/opt/conda", "3.99", bytecode="3.99.1")
    layers = pantry.make(
        [[c], [module]], recipe, interpreters=Interpreters(python, "linux-64", pantry.folder / "cache")
    )
    with pytest.raises(InterpreterNotFound):
        next(layers)
    assert pantry.fetched == []
    made = in_order(pantry.make([[c], [module]], recipe.without_bytecode()))
    assert not [path for path in made[1].layer.list_files() if path.endswith(".pyc")]


def test_a_recipe_that_compiles_needs_to_know_where_its_python_is(pantry: Pantry) -> None:
    [module] = pantry.add(MODULE)
    with pytest.raises(ValueError, match=f"no Python {VERSION} to byte-compile"):
        in_order(pantry.make([[module]], COMPILING))


@pytest.mark.skipif(os.name != "posix", reason="needs this Python as a program")
def test_a_layer_that_is_made_again_for_what_it_loses_is_compiled_too(pantry: Pantry) -> None:
    files = {"site-packages/n.py": "x = 1", "site-packages/m.py": "x = 2"}
    python, module, other = pantry.add(PYTHON, MODULE, SyntheticPackage(name="n", noarch="python", files=files))
    interpreters = Interpreters(python, "linux-64", pantry.folder)
    made = in_order(pantry.make([[other], [module]], COMPILING, interpreters=interpreters))
    compiled = [[path for path in layer.layer.list_files() if path.endswith(".pyc")] for layer in made]
    assert [len(paths) for paths in compiled] == [1, 1]
    assert "/n." in compiled[0][0]


def test_a_layer_of_the_cache_that_was_damaged_is_made_again(pantry: Pantry) -> None:
    [a] = pantry.add(A)
    store = FolderStore(pantry.folder / "cache")
    stores = LayerStores(store, (store,), (store,))
    in_order(make_layers(layer_plan([[a]]), RECIPE, stores, pantry.fetch))
    [known] = make_layers(layer_plan([[a]]), RECIPE, stores, pantry.fetch)
    assert known.cached
    pantry.fetched.clear()
    flip_a_bit(store.blobs.path_of(known.layer.digest))
    with known.layer.blob.open() as content:
        assert Digest.of(content.read()) == known.layer.digest
    assert pantry.fetched == [a.stem]


def test_an_invalid_package_ends_it(pantry: Pantry) -> None:
    a, c = pantry.add(A, C)
    pantry.places[a.stem] = pantry.places[c.stem]
    with pytest.raises(InvalidPackage, match=r"c-1\.0-0\.conda is c-1\.0-0, and the channel says that it is a-1\.0-0"):
        in_order(pantry.make([[a], [c]]))
