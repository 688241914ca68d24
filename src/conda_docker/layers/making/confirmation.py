"""Confirmation: layers that stores have, given when what the store says of them is known to be so."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conda_docker.errors import OutOfReach
from conda_docker.layers.made import look_up
from conda_docker.layers.member import named
from conda_docker.layers.stores.confirm import confirm
from python_docker.errors import Error

if TYPE_CHECKING:
    from conda_docker.layers.made import Group, MadeLayer
    from conda_docker.layers.member import Losses
    from conda_docker.layers.recipe import Recipe
    from conda_docker.layers.stores.layer_stores import LayerStores
    from python_docker.image.blob import Blob
    from python_docker.parallel import Stop

_AT_ONCE = 8
"""How many layers of stores are asked for, or fetched, at once."""

_log = logging.getLogger("conda_docker")


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Looks layers up in stores, and checks what these say of them.

    `reads` says whether the bytes of a layer are needed: then all of it is checked, else its size. `extracted` looks
    for layers from extracted folders, too.
    """

    recipe: Recipe
    stores: LayerStores
    reads: Callable[[Blob], bool] | None
    extracted: bool
    stop: Stop

    def look_up(self, position: int, group: Group, lost: Losses) -> MadeLayer | None:
        """Return the layer of a group of packages that a store has, unchecked."""
        return look_up(position, group, self.recipe, self.stores.sources, lost, extracted=self.extracted)

    def is_copied(self, layer: MadeLayer, lost: Losses) -> bool:
        """Return whether a layer is to be put into a store that lacks it, which reads it."""
        key = self._key(layer, lost)
        return key is not None and self.stores.copies(key, layer.layer)

    def confirmed(self, found: Iterable[MadeLayer], missing: dict[int, Group], lost: Losses) -> Iterator[MadeLayer]:
        """Yield layers of stores as soon as they are known to be what was said, and note the others in `missing`.

        One that is wrong is dropped with a warning, and asked of the stores once more: another may have it.
        """
        left = list(found)
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="confirm") as pool:
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

    def _key(self, layer: MadeLayer, lost: Losses) -> str | None:
        return self.recipe.key(layer.members, extracted=layer.extracted, lost=lost)

    def _is_right(self, layer: MadeLayer, lost: Losses) -> bool:
        store = layer.source
        if store is None or not self.stores.is_foreign(store):
            return True
        key = self._key(layer, lost)
        if key is None:
            return True
        self.stop.check()
        read = self.stores.copies(key, layer.layer) or (self.reads is not None and self.reads(layer.layer.blob))
        try:
            confirm(layer.layer, store, self.stores.cache, read=read)
        except Error as error:
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
