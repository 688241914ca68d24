"""package_layers: the layers of a plan's packages, from the cache or made now."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.build_options import BuildOptions
from conda_docker.environment.wheels import LockedWheel
from conda_docker.errors import InterpreterNotFound
from conda_docker.image.plan import ImagePlan, do_without
from conda_docker.layers.made import MadeLayer
from conda_docker.layers.make import make_layers
from conda_docker.layers.member import named
from conda_docker.layers.recipe import Recipe
from conda_docker.link.bytecode.interpreter import Interpreters
from python_docker.parallel import Stop
from python_docker.progress import SILENT, Progress

if TYPE_CHECKING:
    from conda_docker.cache.folder import CacheFolder
    from conda_docker.layers.member import Member
    from conda_docker.layers.settle import Fetch
    from conda_docker.layers.stores.folder import FolderStore
    from conda_docker.layers.stores.replaced import ReplacedImages
    from conda_docker.layers.stores.repository import RepositoryStore
    from python_docker.copying.delivery import Delivery
    from python_docker.errors import Error

    Repositories = tuple[list[RepositoryStore], list[RepositoryStore]]
    """Layer repositories to look in, and those to keep layers in."""


def package_layers(
    plan: ImagePlan,
    options: BuildOptions,
    store: FolderStore,
    notes: list[str],
    progress: Progress = SILENT,
    delivery: Delivery | None = None,
    replaced: ReplacedImages | None = None,
    opened: Repositories | None = None,
) -> tuple[list[MadeLayer], Recipe]:
    """Return the layers of the packages of a plan, bottom first, and the recipe that they are made by.

    Each leaves by `delivery` as soon as it is ready. Images that are `replaced` are a store of layers, too; `opened`
    are layer repositories that are open already. Where
    modules are to be compiled and no Python for it is available, they are not, for the reason that is appended to
    `notes`. Raises `DownloadError`, `InvalidPackage`, `CacheError`, and `InterpreterNotFound` with `bytecode="always"`.
    """
    python = plan.environment.python
    workers = options.workers or os.cpu_count() or 1
    stop = Stop() if delivery is None else delivery.stop
    sources, destinations = opened or repositories(options, store.folder, progress, stop)
    images = [] if replaced is None else [replaced]

    def make(recipe: Recipe) -> list[MadeLayer]:
        made = make_layers(
            plan.groups,
            recipe,
            [store, *sources, *images] if options.use_cache else [],
            fetching(options, store.folder, progress, delivery),
            cache=store.folder,
            keep=[store, *destinations, *images],
            verify=options.verify_cache,
            order=plan.members,
            replaced=plan.replaced,
            interpreters=None
            if python is None
            else Interpreters(python, plan.environment.subdir, store.root, options.offline),
            extracted=options.use_extracted or options.offline,
            workers=workers,
            progress=progress,
            stop=stop,
        )
        by_position = {}
        for layer in made:
            if delivery is not None:
                delivery.begin(layer.layer.blob, f"{delivery.verb} {named(layer.members)}")
            by_position[layer.position] = layer
        return [by_position[position] for position in sorted(by_position)]

    try:
        return make(plan.recipe), plan.recipe
    except InterpreterNotFound as error:
        notes.append(do_without(error, options))
        recipe = plan.recipe.without_bytecode()
        return make(recipe), recipe


def fetching(
    options: BuildOptions,
    cache: CacheFolder,
    progress: Progress = SILENT,
    delivery: Delivery | None = None,
    *,
    stop: Stop | None = None,
    failed: Callable[[Member, Error], object] | None = None,
) -> Fetch:
    """Return how packages and wheels are got for a build with these options, as long as its `delivery` goes on.

    `failed` hears of those that cannot be had, in place of an error. See `Fetch`.
    """
    stop = stop if delivery is None else delivery.stop
    workers = max(4, options.workers or os.cpu_count() or 1)

    def fetch(members: Sequence[Member]) -> Iterator[tuple[Member, Path]]:
        from conda_docker.package.fetch.fetch import fetch_packages
        from conda_docker.pypi.local_files import with_local_files

        wanted: list[Member] = [member for member in members if not isinstance(member, LockedWheel)]
        wheels = [member for member in members if isinstance(member, LockedWheel)]
        wanted += with_local_files(wheels, unpacked=options.use_extracted or options.offline)
        yield from fetch_packages(
            wanted,
            cache.root,
            offline=options.offline,
            extracted=options.use_extracted,
            workers=workers,
            progress=progress,
            smallest_first=delivery is not None and delivery.is_remote,
            stop=stop,
            failed=failed,
        )

    return fetch


def repositories(
    options: BuildOptions, cache: CacheFolder, progress: Progress = SILENT, stop: Stop | None = None
) -> Repositories:
    """Return the layer repositories to look in, and those to keep layers in; one that is both is one store.

    Offline, none is looked in.
    """
    sources = () if options.offline else options.cache_from
    if not sources and not options.cache_to:
        return [], []
    from conda_docker.layers.stores.repository import RepositoryStore

    stores: dict[str, RepositoryStore] = {}
    for repository in (*sources, *options.cache_to):
        if repository.reference not in stores:
            stores[repository.reference] = RepositoryStore.open(repository, cache, progress, stop)
    read, written = ([stores[each.reference] for each in given] for given in (sources, options.cache_to))
    return list(dict.fromkeys(read)), list(dict.fromkeys(written))
