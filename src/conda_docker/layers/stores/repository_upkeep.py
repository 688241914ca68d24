"""Looking after a layer repository: how much it holds, and removing what no build has used for long.

A registry does not say when something was last pulled. Entries note the day on which a build that may write there last
used them: that of an environment counts for all its layers, and is renewed once a day.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from conda_docker.layers.stores.artifact import LAYER_TYPE, PLAN_TYPE, used_on
from python_docker.errors import Error, NotFound, RegistryError
from python_docker.parallel import in_parallel
from python_docker.spec.documents.manifest import Manifest

if TYPE_CHECKING:
    from conda_docker.layers.stores.repository import RepositoryStore
    from python_docker.spec.digest import Digest

_AT_ONCE = 8
_log = logging.getLogger("conda_docker")


@dataclass(frozen=True, slots=True)
class RepositoryInfo:
    """What a layer repository holds: layers, with their size in bytes, and entries of whole environments."""

    layers: int
    layers_size: int
    environments: int


@dataclass(frozen=True, slots=True)
class PrunedRepository:
    """What pruning came to: entries that were removed, those that are left, and the bytes that only the former name.

    The registry frees these when it collects its garbage.
    """

    removed: int
    left: int
    freed: int


def repository_info(store: RepositoryStore) -> RepositoryInfo:
    """Return how much a layer repository holds. Raises `RegistryError`."""
    entries = _entries(store).values()
    layers = [entry for entry in entries if entry.artifact_type == LAYER_TYPE]
    return RepositoryInfo(len(layers), sum(_sizes(layers).values()), len(entries) - len(layers))


def prune_repository(store: RepositoryStore, keep: float, *, dry_run: bool = False) -> PrunedRepository:
    """Remove the entries that no build which may write there has used for `keep` seconds.

    Raises `RegistryError` where entries cannot be listed, `Error` where they cannot be removed.
    """
    since = (datetime.now(UTC) - timedelta(seconds=keep)).date().isoformat()
    entries = _entries(store)
    used = {tag for tag, entry in entries.items() if used_on(entry) >= since}
    plans = [entries[tag] for tag in used if entries[tag].artifact_type == PLAN_TYPE]
    used |= {key for keys in in_parallel([partial(_keys, store, plan) for plan in plans], _AT_ONCE) for key in keys}
    unused = {tag: entry for tag, entry in entries.items() if tag not in used}
    if not dry_run:
        in_parallel([partial(_remove, store, entry.digest) for entry in unused.values()], _AT_ONCE)
    left = [entry for tag, entry in entries.items() if tag not in unused]
    only_there = _sizes(unused.values()).keys() - _sizes(left).keys()
    freed = sum(size for digest, size in _sizes(unused.values()).items() if digest in only_there)
    return PrunedRepository(len(unused), len(left), freed)


def _entries(store: RepositoryStore) -> Mapping[str, Manifest]:
    """Return the entries by their tags; what is not ours in that repository is left out."""
    tags = [tag for page in store.client.tags(store.path) for tag in page]
    found = in_parallel([partial(_entry, store, tag) for tag in tags], _AT_ONCE)
    return {tag: entry for tag, entry in zip(tags, found, strict=True) if entry is not None}


def _entry(store: RepositoryStore, tag: str) -> Manifest | None:
    try:
        manifest = store.client.manifest(store.path, tag)
    except NotFound:
        return None
    if isinstance(manifest, Manifest) and manifest.artifact_type in (LAYER_TYPE, PLAN_TYPE):
        return manifest
    return None


def _keys(store: RepositoryStore, plan: Manifest) -> list[str]:
    try:
        return list(store.config(plan)["layers"])
    except (ValueError, KeyError, TypeError, Error) as error:
        _log.warning("layer repository %s: the entry of an environment cannot be read: %s", store.name, error)
        return []


def _sizes(entries: Iterable[Manifest]) -> dict[Digest, int]:
    return {layer.digest: layer.size for entry in entries for layer in entry.layers}


def _remove(store: RepositoryStore, digest: Digest) -> None:
    try:
        store.client.delete_manifest(store.path, digest)
    except NotFound:
        return
    except RegistryError as error:
        raise Error(
            f"entries of {store.name} cannot be removed: {error}; many registries allow that in their own settings "
            "alone, or remove by a rule what was not pulled for some time"
        ) from error
