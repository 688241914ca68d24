"""Blobs of registries that are kept in the cache once they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING

from conda_docker.cache.folder import BLOBS
from python_docker.errors import Error
from python_docker.files.lock import locked
from python_docker.image.blob import Blob

if TYPE_CHECKING:
    from conda_docker.cache.folder import CacheFolder
    from python_docker.spec.digest import Digest

_PATIENCE = 600.0
"""Seconds to wait for somebody else who fetches the same blob, before it is fetched here too."""


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
        with cache.writing(), _alone(blob.descriptor.digest, cache), fetching() as advance:
            return cache.blobs.add(blob, advance=advance).descriptor.digest

    return Blob.stored(cache.blobs.path_of(blob.descriptor.digest), blob.descriptor, keep, origin=blob.origin)


def _nothing(size: int) -> None: ...


@contextmanager
def _alone(digest: Digest, cache: CacheFolder) -> Iterator[None]:
    """Keep all others who use the cache from fetching the same blob within the block."""
    folder = cache.root / BLOBS
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        # By a name under which it is removed with the leftovers of a process that was killed.
        with suppress(Error):
            held.enter_context(locked(folder / f".fetch.partial-{digest.encoded[:32]}", _PATIENCE))
        yield
