"""made_once: a layer that another build makes at this moment is waited for, and taken from the cache."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from conda_docker.cache.alone import alone
from conda_docker.layers.recipe import digest_of

if TYPE_CHECKING:
    from conda_docker.layers.facts import LayerFacts
    from conda_docker.layers.stores.folder import FolderStore
    from python_docker.image.layer import Layer
    from python_docker.parallel import Stop


def made_once(
    inputs: Mapping[str, Any] | None,
    store: FolderStore,
    make: Callable[[], tuple[Layer, LayerFacts]],
    stop: Stop,
    *,
    anew: bool = False,
) -> tuple[Layer, LayerFacts, bool]:
    """Return a layer and its facts, which are in `store` then, and whether another build has made it meanwhile.

    Without `inputs` it has no key, and is not kept there. `anew` says that it is made whatever is there. Raises what
    `make` raises, `CacheError`, and `CancelledError` when it is told to `stop` while it waits.
    """
    if inputs is None:
        with store.folder.writing():
            return *make(), False
    key = digest_of(inputs)
    with store.folder.writing(), alone(store.folder, "layer", key, stop.check):
        found = None if anew else store.get(key)
        if found is not None:
            return *found, True
        layer, facts = make()
        store.put(key, layer, facts, inputs)
        return layer, facts, False
