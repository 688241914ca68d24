"""MadeLayer: a layer of a plan, whether a store had it or it was made, and what is known of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from conda_docker.layers.facts import LayerFacts
from python_docker.image.layer import Layer

if TYPE_CHECKING:
    from conda_docker.layers.clobbers import Clobber, Settlement
    from conda_docker.layers.member import Losses, Member
    from conda_docker.layers.recipe import Recipe
    from conda_docker.layers.stores import LayerStore

Group = tuple["Member", ...]


@dataclass(frozen=True, slots=True)
class MadeLayer:
    """A layer of packages, the `position` in the plan that it is for, and what is known of it.

    `cached` says that a store had it, and `source` which one; a layer that was made is in the cache folder's. `seconds`
    is what making it took. `extracted` says that some of its packages were read from extracted folders. `overwritten`
    counts the files of conda packages among them that wheels overwrite, by the packages' stems; `outside` are folders
    of some packages that are links out of the environment in others, `met` those that are files in others. `clobbers`
    are files that packages of the environment have with different contents.
    """

    position: int
    members: Group
    layer: Layer
    facts: LayerFacts
    cached: bool
    seconds: float = 0.0
    extracted: bool = False
    overwritten: Mapping[str, int] = field(default_factory=dict)
    outside: tuple[str, ...] = ()
    met: tuple[str, ...] = ()
    clobbers: tuple[Clobber, ...] = ()
    source: LayerStore | None = field(default=None, compare=False)


def look_up(
    position: int, group: Group, recipe: Recipe, stores: Sequence[LayerStore], lost: Losses, *, extracted: bool
) -> MadeLayer | None:
    """Return the layer of `group` in the first store that has it; with `extracted`, one from extracted folders, too."""
    for from_folders in (False, True)[: 1 + extracted]:
        key = recipe.key(group, extracted=from_folders, lost=lost)
        if key is None:
            continue
        for store in stores:
            found = store.get(key)
            if found is not None:
                return MadeLayer(position, group, *found, cached=True, extracted=from_folders, source=store)
    return None


def members_that_meet(made: Sequence[MadeLayer]) -> list[Member]:
    """Return the packages that have a path in common, or of which one has a file where another has a folder."""
    seen: set[int] = set()
    contested: set[int] = set()
    for layer in made:
        contested |= seen & layer.facts.paths
        seen |= layer.facts.paths
    for layer in made:
        contested |= seen & layer.facts.folders
    involved = [
        layer
        for layer in made
        if layer.facts.clobbered
        or not contested.isdisjoint(layer.facts.paths)
        or not contested.isdisjoint(layer.facts.folders)
    ]
    return [package for layer in involved for package in layer.members]


def losing_groups(groups: Sequence[Group], settlement: Settlement) -> dict[int, Group]:
    """Return the groups, by their positions, of which some package loses something to another."""
    return {
        position: group
        for position, group in enumerate(groups)
        if any(member.stem in settlement.losses for member in group)
    }


def with_settlement(layer: MadeLayer, settlement: Settlement, *, first: bool) -> MadeLayer:
    """Return a layer with what was settled about its packages; the `first` one has what is about all."""
    own = {member.stem for member in layer.members}
    counts = {stem: number for stem, number in settlement.overwritten.items() if stem in own}
    if not first:
        return replace(layer, overwritten=counts)
    outside, met = tuple(settlement.outside), tuple(settlement.met)
    return replace(layer, overwritten=counts, outside=outside, met=met, clobbers=tuple(settlement.clobbers))
