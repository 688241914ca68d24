"""package_layers: the layers of a plan's packages, from stores or made now."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from conda_docker.build_options import BuildOptions
from conda_docker.errors import InterpreterNotFound
from conda_docker.image.content.new_layers import NewLayer, NewLayers
from conda_docker.image.plan import ImagePlan, do_without
from conda_docker.layers.fetching import fetching
from conda_docker.layers.made import MadeLayer
from conda_docker.layers.make import make_layers
from conda_docker.layers.member import named
from conda_docker.layers.recipe import Recipe
from conda_docker.link.bytecode.interpreter import Interpreters
from conda_docker.provenance.entries import packages_history
from python_docker.parallel import Stop
from python_docker.progress import SILENT, Progress
from python_docker.spec.timestamps import rfc3339

if TYPE_CHECKING:
    from conda_docker.layers.stores.layer_stores import LayerStores
    from python_docker.copying.delivery import Delivery


class PackageLayers(NamedTuple):
    """The layers of packages, bottom first, the recipe that they are made by, and what the user should hear of that."""

    made: tuple[MadeLayer, ...]
    recipe: Recipe
    notes: tuple[str, ...] = ()

    def new_layers(self, created: int) -> NewLayers:
        """Return the layers with their history, in which they were `created` so many seconds after 1970."""
        return NewLayers(
            tuple(
                NewLayer.of(
                    each.layer,
                    packages_history(each.members, self.recipe.prefix, rfc3339(created)),
                    members=each.members,
                    cached=each.cached,
                    seconds=each.seconds,
                )
                for each in self.made
            )
        )


def package_layers(
    plan: ImagePlan,
    options: BuildOptions,
    stores: LayerStores,
    delivery: Delivery | None = None,
    progress: Progress = SILENT,
) -> PackageLayers:
    """Return the layers of the packages of a plan.

    Each leaves by `delivery` as soon as it is ready. Where modules are to be compiled and no Python for it is
    available, they are not, and a note says why. Raises `DownloadError`, `InvalidPackage`, `CacheError`, and
    `InterpreterNotFound` with `bytecode="always"`.
    """
    try:
        return PackageLayers(_made(plan, plan.recipe, options, stores, delivery, progress), plan.recipe)
    except InterpreterNotFound as error:
        note = do_without(error, options)
    recipe = plan.recipe.without_bytecode()
    return PackageLayers(_made(plan, recipe, options, stores, delivery, progress), recipe, (note,))


def _made(
    plan: ImagePlan,
    recipe: Recipe,
    options: BuildOptions,
    stores: LayerStores,
    delivery: Delivery | None,
    progress: Progress,
) -> tuple[MadeLayer, ...]:
    """Return the layers of a plan by a recipe. Raises `InterpreterNotFound` before anything is made."""
    stop = Stop() if delivery is None else delivery.stop
    is_remote = delivery is not None and delivery.is_remote
    made = {}
    for layer in make_layers(
        plan.layers,
        recipe,
        stores if options.use_cache else stores.unread(),
        fetching(options, stores.cache, smallest_first=is_remote, early=True, progress=progress, stop=stop),
        interpreters=Interpreters.of(plan.environment, stores.cache.root, offline=options.offline),
        extracted=options.use_extracted or options.offline,
        take=None if delivery is None else delivery.take,
        workers=options.workers or os.cpu_count() or 1,
        progress=progress,
        stop=stop,
    ):
        if delivery is not None:
            delivery.begin(layer.layer.blob, f"{delivery.verb} {named(layer.members)}")
        made[layer.position] = layer
    return tuple(made[position] for position in sorted(made))
