"""A layer that another build makes at this moment is waited for, and taken from the cache; else it is made here."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from conda_docker.cache.alone import alone
from conda_docker.layers.made import MadeLayer
from conda_docker.layers.recipe import digest_of
from python_docker.progress import expect

if TYPE_CHECKING:
    from conda_docker.layers.facts import LayerFacts
    from conda_docker.layers.made import Group
    from conda_docker.layers.member import Losses
    from conda_docker.layers.recipe import Recipe
    from conda_docker.layers.stores.folder import FolderStore
    from conda_docker.link.bytecode.compiler import Compiler
    from conda_docker.package.conda_format import PackageFile
    from python_docker.image.layer import Layer
    from python_docker.parallel import Stop
    from python_docker.progress import Task


def made_layer(
    position: int,
    group: Group,
    paths: Sequence[PackageFile],
    recipe: Recipe,
    store: FolderStore,
    task: Task,
    stop: Stop,
    *,
    compiler: Compiler | None,
    lost: Losses | None = None,
    anew: bool = False,
    begun: float,
) -> MadeLayer:
    """Return the layer of packages that are at `paths`, as `write_layer` makes it or another build has just done.

    It is kept in `store`, and `task` is finished. `begun` is when its work began, by `time.monotonic`. Raises what
    `write_layer` and `made_once` raise.
    """
    from conda_docker.layers.making.write import write_layer

    extracted = any(path.is_dir() for path in paths)
    inputs = recipe.inputs(group, extracted=extracted, lost=lost)
    write = partial(
        write_layer,
        recipe,
        group,
        paths,
        store.blobs.writer,
        compiler=compiler,
        lost=lost,
        advance=stop.guard(task).advance,
        expect=partial(expect, task),
    )
    layer, facts, known = made_once(inputs, store, write, stop, anew=anew)
    task.finish("known" if known else "")
    source = None if inputs is None else store
    return MadeLayer(position, group, layer, facts, known, time.monotonic() - begun, extracted, source=source)


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
