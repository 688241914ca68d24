"""What is in a cache: each thing with its size, when it was used last, and the blobs that it names.

Links are never followed: what is behind one is not of the cache.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from conda_docker.cache.folder import BLOBS, EARLIER, PACKAGES, PYTHONS, WHEELS, CacheFolder, NoteKind
from conda_docker.cache.notes import read_note
from python_docker.files.leftovers import is_partial


@dataclass(frozen=True, slots=True)
class CacheInfo:
    """What a cache holds: how many of each, and their sizes in bytes.

    A layer that a base image and an environment share counts once, as a layer. `size` is that of all files.
    """

    root: Path
    size: int
    layers: int
    layers_size: int
    packages: int
    packages_size: int
    bases: int
    bases_size: int
    interpreters: int
    interpreters_size: int
    wheels: int
    wheels_size: int


@dataclass(frozen=True, slots=True)
class Item:
    """Something that is kept or removed as a whole, with its own size in bytes and the blobs that it names."""

    path: Path
    used: float
    size: int
    kind: str
    digests: frozenset[str] = frozenset()


def cache_info(cache: CacheFolder) -> CacheInfo:
    """Return how much a cache holds."""
    items, blobs = list(find_items(cache)), find_blobs(cache)

    def of(kind: str) -> list[Item]:
        return [item for item in items if item.kind == kind]

    layers = {digest for item in of(NoteKind.LAYERS) for digest in item.digests}
    bases = {digest for item in of(NoteKind.BASES) for digest in item.digests} - layers
    return CacheInfo(
        root=cache.root,
        size=sum(item.size for item in items)
        + sum(status.st_size for _, status in blobs.values())
        + sum(path.lstat().st_size for path in find_unfinished(cache)),
        layers=len(of(NoteKind.LAYERS)),
        layers_size=size_of(layers, blobs),
        packages=len(of(PACKAGES)),
        packages_size=sum(item.size for item in of(PACKAGES)),
        bases=len(of(NoteKind.BASES)),
        bases_size=size_of(bases, blobs),
        interpreters=len(of(PYTHONS)),
        interpreters_size=sum(item.size for item in of(PYTHONS)),
        wheels=len(of(WHEELS)),
        wheels_size=sum(item.size for item in of(WHEELS)),
    )


def find_items(cache: CacheFolder) -> Iterator[Item]:
    """Yield every note, package, interpreter and wheel."""
    for kind in (*NoteKind, *EARLIER):
        # Those of earlier releases are one folder higher.
        for path, status in (*_files(cache.root / kind), *_files_below(cache.root / kind)):
            if not is_partial(path.name):
                yield Item(path, status.st_mtime, status.st_size, kind, _digests(path, kind))
    for path, status in _files(cache.root / PACKAGES):
        if not path.name.startswith("."):
            yield Item(path, status.st_mtime, status.st_size, PACKAGES)
    for kind in (PYTHONS, WHEELS):
        for path in folders(cache.root / kind):
            if not is_partial(path.name):
                with suppress(OSError):
                    yield Item(path, path.stat().st_mtime, tree_size(path), kind)


def _digests(note: Path, kind: str) -> frozenset[str]:
    """Return the blobs that a note names; none when it is damaged."""
    if kind not in (NoteKind.LAYERS, NoteKind.BASES):
        return frozenset()
    try:
        value = json.loads(read_note(note, f"{kind}/{note.stem}"))
        if kind == NoteKind.LAYERS:
            return frozenset([str(value["digest"])])
        manifest = json.loads(value[1])
        return frozenset(str(blob["digest"]) for blob in (manifest["config"], *manifest["layers"]))
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return frozenset()


def find_blobs(cache: CacheFolder) -> dict[str, tuple[Path, os.stat_result]]:
    """Return every blob by its digest."""
    return {
        f"{path.parent.name}:{path.name}": (path, status)
        for path, status in _files_below(cache.root / BLOBS)
        if not is_partial(path.name)
    }


def size_of(digests: frozenset[str] | set[str], blobs: dict[str, tuple[Path, os.stat_result]]) -> int:
    """Return the bytes that blobs of those digests take; nothing for those that are not there."""
    return sum(blobs[digest][1].st_size for digest in digests if digest in blobs)


def find_unfinished(cache: CacheFolder) -> Iterator[Path]:
    """Return downloads that can go on where they stopped, and those that nobody goes on with."""
    return (path for path, _ in _files(cache.root / PACKAGES) if path.name.startswith("."))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """Return what is in a folder; nothing when it is a link, or not there."""
    if folder.is_symlink():
        return []
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for entry in _entries(folder):
        with suppress(OSError):  # another process may remove it at any moment
            if entry.is_file(follow_symlinks=False):
                yield Path(entry.path), entry.stat(follow_symlinks=False)


def folders(folder: Path) -> Iterator[Path]:
    """Return the folders in a folder; none when it is a link, or not there."""
    return (Path(entry.path) for entry in _entries(folder) if entry.is_dir(follow_symlinks=False))


def _files_below(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Return the files in the folders of a folder."""
    return (found for inner in folders(folder) for found in _files(inner))


def tree_size(folder: Path) -> int:
    """Return the bytes of all files in a folder, at any depth."""
    files = sum(status.st_size for _, status in _files(folder))
    return files + sum(tree_size(inner) for inner in folders(folder))
