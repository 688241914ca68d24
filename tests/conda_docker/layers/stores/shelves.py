"""Small layers in stores, for tests of what stores do with each other."""

from __future__ import annotations

from pathlib import Path

from conda_docker.arguments.layer_repository import LayerRepository
from conda_docker.cache.folder import CacheFolder
from conda_docker.layers.facts import LayerFacts
from conda_docker.layers.recipe import digest_of
from conda_docker.layers.stores import Entry
from conda_docker.layers.stores.folder import FolderStore
from conda_docker.layers.stores.repository import RepositoryStore
from python_docker.image.layer_builder import build_layer
from python_docker.tar import TarEntry


def add_layer(store: FolderStore, name: str) -> str:
    """Put a layer of one file into a folder, and return its key."""
    inputs = {"packages": [name]}
    with build_layer(store.blobs.writer()) as builder:
        builder.add(TarEntry(name, size=len(name)), name.encode())
    assert builder.layer is not None
    store.put(digest_of(inputs), builder.layer, LayerFacts(packages=(name,)), inputs)
    return digest_of(inputs)


def repository_store(reference: str, folder: Path) -> RepositoryStore:
    """Return a layer repository, as seen from a machine with its cache in `folder`."""
    return RepositoryStore.open(LayerRepository(reference), CacheFolder(folder))


def keep_environment(store: RepositoryStore, source: FolderStore, *keys: str) -> None:
    """Keep layers of a folder as an environment."""
    entries: dict[str, Entry] = {}
    for key in keys:
        entry = source.entry(key)
        assert entry is not None
        store.put(key, entry.layer, entry.facts, entry.inputs)
        entries[key] = entry
    store.keep_plan(keys, entries, {})
