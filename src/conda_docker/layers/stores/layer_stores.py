"""LayerStores: where the layers of a build are looked up, and where those that were made are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from conda_docker.cache.location import default_cache_dir
from conda_docker.errors import CacheError
from conda_docker.layers.stores.folder import FolderStore
from python_docker.progress import SILENT, Progress

if TYPE_CHECKING:
    from types import TracebackType

    from conda_docker.build_options import BuildOptions
    from conda_docker.cache.folder import CacheFolder
    from conda_docker.layers.facts import LayerFacts
    from conda_docker.layers.stores import LayerStore, WritableLayerStore
    from conda_docker.layers.stores.replaced import ReplacedImages
    from conda_docker.layers.stores.repository import RepositoryStore
    from python_docker.image.layer import Layer
    from python_docker.parallel import Stop


@dataclass(frozen=True, slots=True)
class LayerStores:
    """The stores of a build.

    Layers are looked up in `sources` in turn, and kept in each of `destinations`. `local` is the store in the cache
    folder of this machine, whose blobs new layers are written to, whether or not it is among them. Of the layers that
    another machine may have made, the share `verified` (0 to 1) is made anew and compared.

    A context manager, which closes the connections to layer repositories.
    """

    local: FolderStore
    sources: tuple[LayerStore, ...] = ()
    destinations: tuple[WritableLayerStore, ...] = ()
    verified: float = 0.0
    repositories: tuple[RepositoryStore, ...] = ()

    @classmethod
    def of(
        cls,
        options: BuildOptions,
        *,
        replaced: ReplacedImages | None = None,
        facts_alone: bool = False,
        progress: Progress = SILENT,
        stop: Stop | None = None,
    ) -> Self:
        """Return the cache folder and the layer repositories of some options; offline, none of these is looked in.

        Images that a build has `replaced` are a store, too, and hear of the layers that there are now. With
        `facts_alone`, layers that were made once count although their bytes are not kept. `progress` hears of layers
        that are sent to a repository, which ends when `stop` is set. Raises `InvalidReference`.
        """
        local = FolderStore(options.cache_dir or default_cache_dir(), facts_alone=facts_alone)
        # From the start, also of a cache that is not there yet: what comes into it is wanted until the build ends.
        with suppress(CacheError, OSError), local.folder.writing():
            local.hold()
        images = () if replaced is None else (replaced,)
        read = () if options.offline else options.cache_from
        opened: dict[str, RepositoryStore] = {}
        if read or options.cache_to:
            from conda_docker.layers.stores.repository import RepositoryStore

            for repository in (*read, *options.cache_to):
                # One that is named twice is one store.
                if repository.reference not in opened:
                    opened[repository.reference] = RepositoryStore.open(repository, local.folder, progress, stop)
        sources = dict.fromkeys(opened[each.reference] for each in read)
        destinations = dict.fromkeys(opened[each.reference] for each in options.cache_to)
        return cls(
            local,
            (local, *sources, *images),
            (local, *destinations, *images),
            options.verify_cache,
            tuple(opened.values()),
        )

    @property
    def cache(self) -> CacheFolder:
        """The cache folder of this machine."""
        return self.local.folder

    @property
    def keeps_elsewhere(self) -> bool:
        """Whether layers that are known here must still be kept in other places."""
        return any(store is not self.local for store in self.destinations)

    def is_foreign(self, store: LayerStore | None) -> bool:
        """Return whether another machine may have made the layers of a store, which is one of `sources`."""
        return store is not None and store is not self.local

    def expect(self, keys: Sequence[str]) -> None:
        """Have the stores look up layers at once: where they are looked for, and where they may be kept already."""
        for store in self.sources:
            store.expect(keys)
        for store in self.destinations:
            if all(store is not other for other in self.sources):
                store.expect(keys)

    def copies(self, key: str, layer: Layer) -> bool:
        """Return whether a layer that another repository has is to be copied to one, which does not have it yet."""
        return any(
            store in self.destinations and store.name != layer.blob.origin and store.get(key) is None
            for store in self.repositories
        )

    def is_to_be_verified(self, layer: Layer) -> bool:
        """Return whether a layer is among those of other machines that are made anew; chosen by chance."""
        if self.verified <= 0 or layer.blob.origin is None:
            return False
        from random import random

        return random() < self.verified  # noqa: S311

    def unread(self) -> Self:
        """Return the same stores, none of which is looked in: all layers are made anew."""
        return replace(self, sources=())

    def keep(self, key: str, layer: Layer, facts: LayerFacts, inputs: Mapping[str, Any], *, known: bool) -> Layer:
        """Keep a layer in all destinations, and return it as the last one has it.

        One that is `known` came from a store, and the cache folder needs no entry of it. Raises `CacheError` and
        `RegistryError` when it cannot be kept.
        """
        for store in self.destinations:
            if store is not self.local or not known:
                layer = store.put(key, layer, facts, inputs)
        return layer

    def close(self) -> None:
        """Close idle connections to layer repositories."""
        for repository in self.repositories:
            repository.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
