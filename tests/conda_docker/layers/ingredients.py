"""Small packages with their archives, and what is needed to make layers of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conda_docker.environment.locked import LockedPackage
from conda_docker.layers.facts import LayerFacts
from conda_docker.layers.made import MadeLayer
from conda_docker.layers.make import make_layers
from conda_docker.layers.member import Member
from conda_docker.layers.plan import LayerPlan
from conda_docker.layers.recipe import Recipe, digest_of
from conda_docker.layers.stores import Entry
from conda_docker.layers.stores.folder import FolderStore
from conda_docker.layers.stores.layer_stores import LayerStores
from python_docker.image.layer import Layer
from tests.conda_docker.oracle import locked
from tests.conda_docker.packages import SyntheticPackage

RECIPE = Recipe("/opt/conda")


@dataclass
class Store:
    """Layers by their keys, in memory; `asked` are the keys that were looked for."""

    layers: dict[str, tuple[Layer, LayerFacts]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    plans: list[list[str]] = field(default_factory=list)

    def expect(self, keys: Sequence[str]) -> None:
        self.expected += keys

    def confirm(self, layer: Layer) -> None:
        """Have all layers as they are."""

    def drop(self, key: str, layer: Layer) -> None:
        del self.layers[key]

    def note(self, key: str) -> str | None:
        return self.notes.get(key)

    def get(self, key: str) -> tuple[Layer, LayerFacts] | None:
        self.asked.append(key)
        return self.layers.get(key)

    def put(self, key: str, layer: Layer, facts: LayerFacts, inputs: Mapping[str, Any]) -> Layer:
        assert digest_of(inputs) == key
        self.layers[key] = layer, facts
        return layer

    def keep_plan(self, keys: Sequence[str], entries: Mapping[str, Entry], notes: Mapping[str, str]) -> None:
        self.plans.append(list(keys))
        self.notes |= notes


@dataclass
class Pantry:
    """Archives of packages, and which of them were fetched."""

    folder: Path
    places: dict[str, Path] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)

    def add(self, *packages: SyntheticPackage) -> list[LockedPackage]:
        added = []
        for package in packages:
            archive = package.write(self.folder)
            added.append(locked(archive))
            self.places[added[-1].stem] = archive
        return added

    def fetch(self, members: Sequence[Member]) -> Iterator[tuple[Member, Path]]:
        for member in members:
            self.fetched.append(member.stem)
            yield member, self.places[member.stem]

    def make(
        self, plan: Sequence[Sequence[Member]], recipe: Recipe = RECIPE, stores: Sequence[Store] = (), **options: Any
    ) -> Iterator[MadeLayer]:
        make: Callable[..., Iterator[MadeLayer]] = make_layers
        chosen = {name: options.pop(name) for name in ("order", "replaced") if name in options}
        opened = self.stores(stores, keep=options.pop("keep", stores), verified=options.pop("verify", 0.0))
        return make(layer_plan(plan, **chosen), recipe, opened, self.fetch, **options)

    def stores(self, stores: Sequence[Store] = (), **fields: Any) -> LayerStores:
        """Stores of a build that looks up layers in some, and keeps them in these too, or in `keep`."""
        local = FolderStore(self.folder / "cache")
        return LayerStores(local, tuple(stores), tuple(fields.pop("keep", stores)), **fields)


def layer_plan(groups: Sequence[Sequence[Member]], **fields: Any) -> LayerPlan:
    """A plan whose last package wins a path that several bring."""
    return LayerPlan(groups, **{"order": [member for group in groups for member in group], **fields})


def in_order(made: Iterator[MadeLayer]) -> list[MadeLayer]:
    """The last layer that was given for each position."""
    by_position = {layer.position: layer for layer in made}
    return [by_position[position] for position in sorted(by_position)]
