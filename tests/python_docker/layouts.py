"""OCI layouts on disk, changed by hand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.images import digest


def edit_index(layout: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    index = json.loads((layout / "index.json").read_text())
    change(index)
    (layout / "index.json").write_text(json.dumps(index))


def put(layout: Path, content: bytes, media_type: str) -> dict[str, Any]:
    (layout / "blobs/sha256" / hashlib.sha256(content).hexdigest()).write_bytes(content)
    return {"mediaType": media_type, "digest": digest(content), "size": len(content)}


def blob_of(layout: Path, text: str) -> Path:
    return layout / "blobs/sha256" / text.removeprefix("sha256:")


def name_for_two_platforms(layout: Path) -> None:
    """Have the index name its one image for two platforms."""

    def twice(index: dict[str, Any]) -> None:
        (descriptor,) = index["manifests"]
        index["manifests"] = [
            {**descriptor, "platform": {"os": "linux", "architecture": architecture}}
            for architecture in ("amd64", "arm64")
        ]

    edit_index(layout, twice)
