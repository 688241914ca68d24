"""Confirmation: layers that stores have, given when what the store says of them is known to be so."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import as_completed
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from conda_docker.errors import OutOfReach
from conda_docker.layers.made import look_up
from conda_docker.layers.member import named
from conda_docker.layers.stores.confirm import confirm
from python_docker.errors import Error
from python_docker.parallel import Threads

if TYPE_CHECKING:
    from conda_docker.layers.made import Group, MadeLayer
    from conda_docker.layers.member import Losses
    from conda_docker.layers.recipe import Recipe
    from conda_docker.layers.stores.layer_stores import LayerStores
    from python_docker.parallel import Stop
    from python_docker.spec.digest import Digest

_AT_ONCE = 8
"""How many layers of stores are asked for, or fetched, at once."""

_log = logging.getLogger("conda_docker")


@dataclass(slots=True, eq=False)
class Confirmation:
    """Looks layers up in stores, and checks what these say of them.

    `recipe_of` gives the recipe of the layer at a position. `take` has the places that a layer goes to take it unread,
    if they can; None where it is not known where it goes. `extracted` looks for layers from extracted folders, too.
    """

    recipe_of: Callable[[int], Recipe]
    stores: LayerStores
    take: Callable[[MadeLayer], bool] | None
    extracted: bool
    stop: Stop
    said: dict[Digest, set[tuple[Digest, int]]] = field(default_factory=dict)
    """Diff ID and size by digest, as entries have them. Of a layer of which they say two things, all are read."""

    def look_up(self, position: int, group: Group, lost: Losses) -> MadeLayer | None:
        """Return the layer of a group of packages that a store has, unchecked."""
        recipe = self.recipe_of(position)
        found = look_up(position, group, recipe, self.stores.sources, lost, extracted=self.extracted)
        if found is not None:
            layer = found.layer
            self.said.setdefault(layer.digest, set()).add((layer.diff_id, layer.size))
        return found

    def is_copied(self, layer: MadeLayer, lost: Losses) -> bool:
        """Return whether a layer is to be put into a store that lacks it, which reads it."""
        key = self._key(layer, lost)
        return key is not None and self.stores.copies(key, layer.layer)

    def confirmed(self, found: Iterable[MadeLayer], missing: dict[int, Group], lost: Losses) -> Iterator[MadeLayer]:
        """Yield layers that `look_up` gave as soon as they are known to be right, and note the others in `missing`.

        One that is wrong is dropped with a warning, and asked of the stores once more: another may have it.
        """
        left = list(found)
        if not any(map(self._is_foreign, left)):
            yield from left  # what is of this machine is hashed when it leaves
            return
        with Threads(_AT_ONCE, thread_name_prefix="confirm") as pool:
            while left:
                asked = {pool.submit(self._is_right, layer, lost): layer for layer in left}
                left = []
                try:
                    for done in as_completed(asked):
                        layer = asked[done]
                        if done.result():
                            yield layer
                            continue
                        other = self.look_up(layer.position, layer.members, lost)
                        if other is None:
                            missing[layer.position] = layer.members
                        else:
                            left.append(other)
                except BaseException:
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise

    def _is_foreign(self, layer: MadeLayer) -> bool:
        return self.stores.is_foreign(layer.source)

    def _key(self, layer: MadeLayer, lost: Losses) -> str | None:
        return self.recipe_of(layer.position).key(layer.members, extracted=layer.extracted, lost=lost)

    def _is_right(self, layer: MadeLayer, lost: Losses) -> bool:
        store = layer.source
        if store is None or not self._is_foreign(layer):
            return True
        key = self._key(layer, lost)
        if key is None:
            return True
        self.stop.check()
        copied = self.stores.copies(key, layer.layer) or len(self.said[layer.layer.digest]) > 1
        take = None if self.take is None or copied else partial(self.take, layer)
        ask = self.stores.verified > 0 and not copied
        try:
            confirm(layer.layer, store, self.stores.cache, take, read=copied, ask=ask)
        except Error as error:
            self.stop.check()  # a place that the image goes to may have failed, which ends the build
            if isinstance(error, OutOfReach):
                _log.debug("%s", error)
            else:
                where = layer.layer.blob.origin or "the image that is replaced"
                _log.warning(
                    "cannot use the layer of %s in %s, so it is made again: %s", named(layer.members), where, error
                )
            store.drop(key, layer.layer)
            return False
        return True
