"""IndexCache: what packages say of themselves (`info/index.json`), remembered by their hashes.

An explicit list names packages and nothing more. To order and link them one must know what they depend on and whether
they are noarch; this cache spares reading archives whose layers exist already.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conda_docker.cache.notes import read_note, write_note

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedPackage


class IndexCache:
    """A folder with a small JSON file for each package."""

    def __init__(self, root: Path) -> None:
        self._root = root / "index"

    def get(self, package: LockedPackage) -> Mapping[str, Any] | None:
        """What the package says of itself, with the `sha256`, `md5` and `size` of its archive; None when not known."""
        path = self._path(package)
        if path is None:
            return None
        try:
            index = json.loads(read_note(path))
        except (OSError, ValueError):
            return None
        return index if isinstance(index, dict) else None

    def put(self, package: LockedPackage, index: Mapping[str, Any]) -> None:
        """Remember an index. A cache that cannot be written costs time the next time, nothing else."""
        path = self._path(package)
        if path is None:
            return
        with suppress(OSError):
            write_note(path, json.dumps(index, separators=(",", ":")).encode())

    def _path(self, package: LockedPackage) -> Path | None:
        digest = package.sha256 or package.md5
        return None if digest is None else self._root / digest[:2] / f"{digest}.json"
