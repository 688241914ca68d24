"""exchange_layers: layers from one store to another, all of them or those of an image."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from conda_docker.layers.stores import Entry, WritableLayerStore
from conda_docker.layers.stores.confirm import confirm
from python_docker.errors import ContentMismatch, Error
from python_docker.parallel import Stop, in_parallel
from python_docker.progress import SILENT, Progress

if TYPE_CHECKING:
    from conda_docker.cache.folder import CacheFolder
    from python_docker.spec.digest import Digest

_AT_ONCE = 4


class ListedLayerStore(WritableLayerStore, Protocol):
    """A store that can say what it has."""

    def keys(self) -> list[str]:
        """Return the keys of all layers."""

    def holds(self, key: str, entry: Entry) -> bool:
        """Return whether the layer of a key, as that entry has it, need not be copied here."""

    def entry(self, key: str) -> Entry | None:
        """Return a layer with all inputs of its key; None when that is not there, or not right."""


@dataclass(frozen=True, slots=True)
class Exchanged:
    """What an exchange came to: layers that were copied, with their size in bytes, and those that were there.

    `missing` are those that were asked for and are not in the store to copy from.
    """

    copied: int
    copied_size: int
    present: int
    missing: int = 0


def exchange_layers(
    source: ListedLayerStore,
    target: ListedLayerStore,
    cache: CacheFolder,
    digests: Collection[Digest] | None = None,
    *,
    progress: Progress = SILENT,
) -> Exchanged:
    """Copy layers from one store to another: those of `digests`, or all.

    Every digest, size and diff ID is checked on the way, which is noted in `cache`. Raises what the stores raise,
    such as `RegistryError` and `CacheError`, with a note on how many layers were copied before.
    """
    keys = source.keys()
    source.expect(keys)
    stop = Stop()
    met: set[Digest] = set()
    copied: list[str] = []

    def copy(key: str) -> int | None:
        """Return the size of a layer that was copied, 0 for one that is there, None for one that is not meant."""
        entry = source.entry(key)
        if entry is None or (digests is not None and entry.layer.digest not in digests):
            return None
        met.add(entry.layer.digest)
        if target.holds(key, entry):
            return 0
        stop.check()
        first, *others = entry.facts.packages or (entry.layer.digest.short,)
        more = f" and {len(others)} more" if others else ""
        task = progress.start(f"layer {first}{more}", entry.layer.size)
        try:
            confirm(entry.layer, source, cache, read=True)
        except ContentMismatch as error:
            raise ContentMismatch(f"the layer of {first}{more} is not copied: {error}") from error
        target.put(key, entry.layer, entry.facts, entry.inputs)
        stop.guard(task).advance(entry.layer.size)
        task.finish()
        copied.append(key)
        return entry.layer.size

    try:
        results = in_parallel([partial(copy, key) for key in keys], _AT_ONCE, stop)
    except Error as error:
        if copied:
            error.add_note(f"{len(copied)} of {len(keys)} layers were copied before that, and stay there")
        raise
    sizes = [size for size in results if size is not None]
    return Exchanged(
        sum(size > 0 for size in sizes), sum(sizes), sum(size == 0 for size in sizes), len(set(digests or ()) - met)
    )
