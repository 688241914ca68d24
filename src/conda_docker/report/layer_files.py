"""read_layer_files: what one pass over a layer shows of its files."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conda_docker.report.records import Record, is_record, read_records
from python_docker.errors import InvalidLayer
from python_docker.image.filesystem import OPAQUE
from python_docker.streams.stream import AdvancingReader
from python_docker.tar import WHITEOUT, EntryType, clamped_path

if TYPE_CHECKING:
    from python_docker.image.layer import Layer

_LARGEST_RECORD = 64 << 20  # bytes, as of a record in `sbom.files`
_LARGEST_RECORDS = 256 << 20  # bytes of all records of a layer: those of a thousand packages have a tenth
_MOST_FILES = 4_000_000  # some 200 bytes of memory each; the largest images have a tenth of this


@dataclass(frozen=True, slots=True)
class LayerFiles:
    """The files of a layer: sizes in bytes by path, the records among them, and the paths that it removes."""

    sizes: Mapping[str, int]
    records: tuple[Record, ...]
    removed: frozenset[str]


NOT_HERE = LayerFiles({}, (), frozenset())
"""Of a layer whose content is elsewhere."""


def read_layer_files(layer: Layer, advance: Callable[[int], object]) -> LayerFiles:
    """Read a layer to its end, where its digests are checked; `advance` is called with numbers of stored bytes.

    Links count as files without bytes. Raises `InvalidLayer` and `ContentMismatch` for a damaged layer.
    """
    blob = layer.blob
    # Checked as it is read: one more pass over a stored file would be for nothing.
    counted = replace(blob, opener=lambda: AdvancingReader(blob.opener(), advance), file=None)
    sizes: dict[str, int] = {}
    contents: dict[str, bytes] = {}
    removed: set[str] = set()
    kept = 0
    for entry, content in layer.with_blob(counted).entries():
        path = clamped_path(entry.path)
        folder, name = posixpath.split(path)
        if name == OPAQUE:
            removed.add(folder)
        elif name.startswith(WHITEOUT):
            removed.add(posixpath.join(folder, name.removeprefix(WHITEOUT)))
        elif path and entry.type is not EntryType.DIRECTORY:
            sizes[path] = entry.size
            if len(sizes) > _MOST_FILES:
                raise InvalidLayer(f"layer {layer.digest} has more than {_MOST_FILES} files")
            if entry.type is EntryType.FILE and is_record(path) and entry.size <= _LARGEST_RECORD:
                kept += entry.size
                if kept <= _LARGEST_RECORDS:
                    contents[path] = content.read()
    return LayerFiles(sizes, tuple(read_records(contents)), frozenset(removed))
