"""Blobs of registries that are kept in the cache once they are read."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from conda_docker.cache.alone import alone
from python_docker.image.blob import Blob

if TYPE_CHECKING:
    from conda_docker.cache.folder import CacheFolder
    from python_docker.spec.digest import Digest


def kept_blob(
    blob: Blob,
    cache: CacheFolder,
    fetching: Callable[[], AbstractContextManager[Callable[[int], object]]] = lambda: nullcontext(_nothing),
) -> Blob:
    """Return a blob that is read from the cache, where it is put when it is read for the first time.

    Whoever else wants it meanwhile, in this process or another, waits for it. One that is damaged there is replaced.
    Its origin stays. It is put there within `fetching`, which gives what is called with the numbers of bytes that came.
    """

    def keep() -> Digest:
        with cache.writing(), alone(cache, "fetch", blob.descriptor.digest.encoded), fetching() as advance:
            return cache.blobs.add(blob, advance=advance).descriptor.digest

    return Blob.stored(cache.blobs.path_of(blob.descriptor.digest), blob.descriptor, keep, origin=blob.origin)


def _nothing(size: int) -> None: ...
