"""Keeping: layers put into the stores of a build, and the environment as a whole that they are of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from conda_docker.layers.recipe import digest_of
from conda_docker.layers.stores import Entry

if TYPE_CHECKING:
    from conda_docker.layers.made import Group, MadeLayer
    from conda_docker.layers.member import Losses
    from conda_docker.layers.recipe import Recipe
    from conda_docker.layers.stores.layer_stores import LayerStores
    from python_docker.parallel import Stop


@dataclass(frozen=True, slots=True)
class Keeping:
    """Puts layers into stores, and has these know what the environment consists of.

    `entries` are those of the layers that were kept, by key; `notes` what is kept with the environment, by key.
    """

    recipe: Recipe
    stores: LayerStores
    stop: Stop
    entries: dict[str, Entry] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    def keep(self, made: MadeLayer, lost: Losses) -> MadeLayer:
        """Return the layer as the last store of `keep` has it, once all have it."""
        self.stop.check()
        inputs = self.recipe.inputs(made.members, extracted=made.extracted, lost=lost)
        if inputs is None:
            return made
        key = digest_of(inputs)
        layer = self.stores.keep(key, made.layer, made.facts, inputs, known=made.source is not None)
        self.entries[key] = Entry(inputs, layer, made.facts)
        return made if layer is made.layer else replace(made, layer=layer)

    def keep_plan(self, groups: Sequence[Group]) -> None:
        """Have stores know the environment as a whole."""
        keys = [self.recipe.key(group) for group in groups]
        if all(key in self.entries for key in keys):
            for store in self.stores.destinations:
                store.keep_plan([key for key in keys if key is not None], self.entries, self.notes)
