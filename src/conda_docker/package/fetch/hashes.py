"""The hashes of an archive, as an index of a channel has them."""

from __future__ import annotations

import hashlib
from pathlib import Path

_READ_SIZE = 1 << 20


def archive_hashes(path: Path) -> dict[str, str | int]:
    """Return the `sha256`, `md5` and `size` (in bytes) of a file."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    size = 0
    with path.open("rb") as file:
        while data := file.read(_READ_SIZE):
            sha256.update(data)
            md5.update(data)
            size += len(data)
    return {"sha256": sha256.hexdigest(), "md5": md5.hexdigest(), "size": size}
