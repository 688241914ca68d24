"""make_room: what is in the cache is removed when it takes more of a disk than it may."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.cache.folder import BLOBS, PACKAGES, NoteKind
from python_docker.files.leftovers import is_partial

if TYPE_CHECKING:
    from conda_docker.cache.folder import CacheFolder

_ORDER = {PACKAGES: 0, BLOBS: 1, NoteKind.POSTED_LOCKS: 1, NoteKind.SERVED: 2, NoteKind.SERVED_NAMES: 3}
"""What goes first: packages are needed for new layers alone; facts are small, and make everything else again."""
_FACTS = (NoteKind.SERVED, NoteKind.SERVED_NAMES)
_RECENT = 3600.0  # seconds for which facts stay: whoever pulls an image comes back for its layers
_log = logging.getLogger("conda_docker")


@dataclass(frozen=True, slots=True)
class _Kept:
    """A file of the cache, with the order in which it goes and its size in bytes."""

    order: tuple[int, float]
    path: Path
    size: int
    removable: bool


def make_room(cache: CacheFolder, limit: int, since: float) -> int:
    """Remove packages, then layers and posted lock files, then images that nobody asks for, those first that were not
    used for longest, until what is left takes `limit` bytes; return how many were freed.

    Packages and layers that were used at or after `since` (in seconds since 1970) stay, since builds read them. What is
    known of layers stays, so that they can be made again; whoever reads one reads on.
    """
    found = list(_files(cache, since))
    left, freed = sum(kept.size for kept in found), 0
    for kept in sorted(found, key=lambda kept: kept.order):
        if left - freed <= limit:
            break
        if kept.removable:
            with suppress(OSError):
                kept.path.unlink()
                freed += kept.size
    if freed:
        _log.info("removed %d bytes of what was not used for longest", freed)
    return freed


def _files(cache: CacheFolder, since: float) -> Iterator[_Kept]:
    facts_since = time.time() - _RECENT
    for folder, order in _ORDER.items():
        stays_from = facts_since if folder in _FACTS else since
        for parent, _, names in os.walk(cache.root / folder):
            for name in names:
                path = Path(parent, name)
                if is_partial(name) or name.startswith(".") or path.suffix == ".lock":
                    continue
                with suppress(OSError):
                    status = path.lstat()
                    removable = folder == NoteKind.POSTED_LOCKS or status.st_mtime < stays_from
                    yield _Kept((order, status.st_mtime), path, status.st_size, removable)
