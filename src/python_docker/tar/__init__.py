"""Tar streams of layers: `TarEntry` is one member, `LayerWriter` writes them, `TarReader` reads them.

Written for layers: deterministic, fast, streaming in both directions, and safe against hostile input. Format: POSIX.1
pax and ustar, with GNU's long names and base-256 numbers when reading; rules of image-spec, layer.md.
"""

from __future__ import annotations

from importlib import import_module

from python_docker.tar.content import Unreadable
from python_docker.tar.entry import WHITEOUT, EntryType, TarEntry, clamped_path, contained_path
from python_docker.tar.reader import TarReader
from python_docker.tar.writer import LayerWriter

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

_EARLIER = ("parse_v1", "write_tar_from_contents", "write_tar_from_path", "write_tar_from_paths", "write_v1")


def __getattr__(name: str) -> object:
    """Import a function that python-docker 0.2 had here when it is first used."""
    if name not in _EARLIER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module("python_docker.earlier_tar"), name)
    return value
