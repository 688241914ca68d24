"""known_layers: the layers of a plan that stores have, and nothing made: what a build would find."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conda_docker.layers.clobbers import remembered_settlement
from conda_docker.layers.made import MadeLayer, look_up, losing_groups, members_that_meet, with_settlement

if TYPE_CHECKING:
    from conda_docker.layers.plan import LayerPlan
    from conda_docker.layers.recipe import Recipe
    from conda_docker.layers.stores.layer_stores import LayerStores


def known_layers(
    plan: LayerPlan, recipe: Recipe, stores: LayerStores, *, extracted: bool = False
) -> list[MadeLayer | None]:
    """Return the layer of each group in `plan` that `make_layers` would find, and None for each that it would make.

    No package is read. What packages lose to others is known only when all layers are, and remembered; until then the
    layers that were found count, though some may turn out to be made again without a path that they share.
    """
    groups = [tuple(group) for group in plan.groups]
    keys = [key for group in groups if (key := recipe.key(group)) is not None]
    for store in stores.sources:
        store.expect(keys)
    found = [
        look_up(position, group, recipe, stores.sources, {}, extracted=extracted)
        for position, group in enumerate(groups)
    ]
    made = [layer for layer in found if layer is not None]
    if len(made) < len(groups):
        return found
    stems = {member.stem for member in members_that_meet(made)} | plan.replaced.keys()
    if not stems:
        return found
    meeting = [member for member in plan.order if member.stem in stems]
    key = recipe.key(meeting, replaced=plan.replaced)
    settlement = remembered_settlement(stores.cache, key, stores.sources)
    if settlement is None:
        return [layer if stems.isdisjoint(member.stem for member in layer.members) else None for layer in made]
    changed = losing_groups(groups, settlement)
    for position, group in changed.items():
        layer = look_up(position, group, recipe, stores.sources, settlement.losses, extracted=extracted)
        found[position] = layer and with_settlement(layer, settlement, first=position == min(changed))
    return found
