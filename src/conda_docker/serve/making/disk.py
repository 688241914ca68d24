"""make_room: layers and packages are removed when they take more of a disk than they may."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.cache.folder import BLOBS, PACKAGES, NoteKind
from python_docker.files.atomic import is_partial

if TYPE_CHECKING:
    from conda_docker.cache.folder import CacheFolder
    from python_docker.spec.digest import Digest

_log = logging.getLogger("conda_docker")


def make_room(cache: CacheFolder, limit: int, kept: Iterable[Digest] = ()) -> int:
    """Remove packages, then layers and posted lock files, those first that were not used for longest, until what is
    left of them takes `limit` bytes.

    What is known of them stays, so that they can be made again; whoever reads one reads on. Layers of `kept` stay.
    Returns the bytes that were freed.
    """
    staying = {cache.blobs.path_of(digest) for digest in kept}
    found = sorted((used, size, path) for path, used, size in _files(cache) if path not in staying)
    total = sum(size for _, size, _ in found) + sum(path.stat().st_size for path in staying if path.exists())
    freed = 0
    packages = cache.root / PACKAGES
    for _, size, path in sorted(found, key=lambda item: (packages not in item[2].parents, item)):
        if total - freed <= limit:
            break
        with suppress(OSError):
            path.unlink()
            freed += size
    if freed:
        _log.info("removed %d bytes of layers and packages", freed)
    return freed


def _files(cache: CacheFolder) -> Iterator[tuple[Path, float, int]]:
    for folder in (BLOBS, PACKAGES, NoteKind.POSTED_LOCKS):
        for parent, _, names in os.walk(cache.root / folder):
            for name in names:
                path = Path(parent, name)
                if is_partial(name) or name.startswith("."):
                    continue
                with suppress(OSError):
                    status = path.lstat()
                    yield path, status.st_mtime, status.st_size
