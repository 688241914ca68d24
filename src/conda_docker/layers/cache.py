"""The layer cache under the names that it had before it became one store among others."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from conda_docker.cache.folder import CacheFolder
from conda_docker.cache.location import default_cache_dir
from conda_docker.layers.stores.folder import FolderStore

__all__ = ["LayerCache", "default_cache_dir", "writing_cache"]

LayerCache = FolderStore


def writing_cache(root: Path) -> AbstractContextManager[None]:
    """Return `CacheFolder(root).writing()`."""
    return CacheFolder(root).writing()
