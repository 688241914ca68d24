"""IndexCache: what packages say of themselves (`info/index.json`), remembered by their hashes.

An explicit list names packages and nothing more. To order and link them one must know what they depend on and whether
they are noarch; this cache spares reading archives whose layers exist already.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conda_docker.cache.folder import CacheFolder, NoteKind

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedPackage


class IndexCache:
    """A note for each package in the cache folder `root`."""

    def __init__(self, root: Path) -> None:
        self._folder = CacheFolder(root)

    def get(self, package: LockedPackage) -> Mapping[str, Any] | None:
        """Return what the package says of itself, with the `sha256`, `md5` and `size` of its archive.

        None when that is not known.
        """
        key = package.sha256 or package.md5
        note = self._folder.read_note(NoteKind.INDEX, key) if key is not None else None
        if note is None:
            return None
        try:
            index = json.loads(note)
        except ValueError:
            return None
        return index if isinstance(index, dict) else None

    def put(self, package: LockedPackage, index: Mapping[str, Any]) -> None:
        """Remember an index. A cache that cannot be written costs time the next time, nothing else."""
        key = package.sha256 or package.md5
        if key is not None:
            self._folder.remember(NoteKind.INDEX, key, json.dumps(index, separators=(",", ":")).encode())
