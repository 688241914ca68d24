"""Blobs of registries that are kept in the cache once they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from python_docker.image.blob import Blob

if TYPE_CHECKING:
    from conda_docker.cache.folder import CacheFolder
    from python_docker.spec.digest import Digest


def kept_blob(blob: Blob, cache: CacheFolder) -> Blob:
    """Return a blob that is read from the cache, where it is put when it is read for the first time.

    One that is damaged there is replaced. Its origin stays.
    """

    def keep() -> Digest:
        with cache.writing():
            return cache.blobs.add(blob).descriptor.digest

    return Blob.stored(cache.blobs.path_of(blob.descriptor.digest), blob.descriptor, keep, origin=blob.origin)
