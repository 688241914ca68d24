"""Tar streams of layers: `TarEntry` is one member, `LayerWriter` writes them, `TarReader` reads them.

Written for layers: deterministic, fast, streaming in both directions, and safe against hostile input. Format: POSIX.1
pax and ustar, with GNU's long names and base-256 numbers when reading; rules of image-spec, layer.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from python_docker.exports import lazy

if TYPE_CHECKING:
    from python_docker.tar.content import Unreadable
    from python_docker.tar.entry import WHITEOUT, EntryType, TarEntry, clamped_path, contained_path
    from python_docker.tar.reader import TarReader
    from python_docker.tar.writer import LayerWriter

_ENTRY = ("WHITEOUT", "EntryType", "TarEntry", "clamped_path", "contained_path")
# What python-docker 0.2 had here.
_EARLIER = ("parse_v1", "write_tar_from_contents", "write_tar_from_path", "write_tar_from_paths", "write_v1")
_HOMES = {
    "LayerWriter": "python_docker.tar.writer",
    "TarReader": "python_docker.tar.reader",
    "Unreadable": "python_docker.tar.content",
    **dict.fromkeys(_ENTRY, "python_docker.tar.entry"),
    **dict.fromkeys(_EARLIER, "python_docker.earlier_tar"),
}

__all__ = [
    "WHITEOUT",
    "EntryType",
    "LayerWriter",
    "TarEntry",
    "TarReader",
    "Unreadable",
    "clamped_path",
    "contained_path",
]


__getattr__ = lazy(__name__, _HOMES)  # whoever checks a path needs no reader
