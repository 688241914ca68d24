"""known_layers: the layers of a plan that stores have, and nothing made: what a build would find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from conda_docker.layers.clobbers import remembered_settlement
from conda_docker.layers.made import MadeLayer, look_up, losing_groups, members_that_meet, with_settlement

if TYPE_CHECKING:
    from conda_docker.cache.folder import CacheFolder
    from conda_docker.layers.member import Member
    from conda_docker.layers.recipe import Recipe
    from conda_docker.layers.stores import LayerStore


def known_layers(
    plan: Sequence[Sequence[Member]],
    recipe: Recipe,
    stores: Sequence[LayerStore],
    *,
    cache: CacheFolder,
    order: Sequence[Member] | None = None,
    replaced: Mapping[str, Sequence[str]] | None = None,
    extracted: bool = False,
) -> list[MadeLayer | None]:
    """Return the layer of each group in `plan` as far as `make_layers` would find it, and None for those it would make.

    No package is read. What packages lose to others is known only when all layers are, and remembered; until then the
    layers that were found count, though some may turn out to be made again without a path that they share.
    """
    groups = [tuple(group) for group in plan]
    ordered = [member for group in groups for member in group] if order is None else order
    replaced = replaced or {}
    keys = [key for group in groups if (key := recipe.key(group)) is not None]
    for store in stores:
        store.expect(keys)
    found = [look_up(position, group, recipe, stores, {}, extracted=extracted) for position, group in enumerate(groups)]
    made = [layer for layer in found if layer is not None]
    if len(made) < len(groups):
        return found
    stems = {member.stem for member in members_that_meet(made)} | replaced.keys()
    if not stems:
        return found
    meeting = [member for member in ordered if member.stem in stems]
    settlement = remembered_settlement(cache, recipe.key(meeting, replaced=replaced), stores)
    if settlement is None:
        return [layer if stems.isdisjoint(member.stem for member in layer.members) else None for layer in made]
    changed = losing_groups(groups, settlement)
    for position, group in changed.items():
        layer = look_up(position, group, recipe, stores, settlement.losses, extracted=extracted)
        found[position] = layer and with_settlement(layer, settlement, first=position == min(changed))
    return found
