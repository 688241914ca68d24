"""Looking after a cache: how much it holds, and removing what is not needed, never outside it and never through links.

What is removed is what is in folders of the cache's own names, in a folder that bears its mark. Whatever a note names
goes with the last note that names it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from conda_docker.cache.folder import BLOBS, CONTENTS, EARLIER, PACKAGES, PYTHONS, WHEELS, CacheFolder, NoteKind
from conda_docker.cache.notes import read_note
from conda_docker.errors import CacheError
from python_docker.errors import reason_of
from python_docker.files.atomic import PartialFolder
from python_docker.files.leftovers import is_partial, remove_leftovers
from python_docker.files.lock import try_lock

_RECENT = 3600.0  # seconds; what builds under way have used since is kept
_STALE = 24 * 3600  # seconds after which a blob that no note names, or a download that stopped, is removed


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
class Pruned:
    """What pruning came to, in bytes: what was `freed`, and what is `left`."""

    freed: int
    left: int


@dataclass(frozen=True, slots=True)
class _Item:
    """Something that is kept or removed as a whole, with its own size in bytes and the blobs that it names."""

    path: Path
    used: float
    size: int
    kind: str
    digests: frozenset[str] = frozenset()


def cache_info(cache: CacheFolder) -> CacheInfo:
    """Return how much a cache holds."""
    items, blobs = list(_items(cache)), _blobs(cache)

    def of(kind: str) -> list[_Item]:
        return [item for item in items if item.kind == kind]

    layers = {digest for item in of(NoteKind.LAYERS) for digest in item.digests}
    bases = {digest for item in of(NoteKind.BASES) for digest in item.digests} - layers
    return CacheInfo(
        root=cache.root,
        size=sum(item.size for item in items)
        + sum(status.st_size for _, status in blobs.values())
        + sum(path.lstat().st_size for path in _unfinished(cache)),
        layers=len(of(NoteKind.LAYERS)),
        layers_size=_size_of(layers, blobs),
        packages=len(of(PACKAGES)),
        packages_size=sum(item.size for item in of(PACKAGES)),
        bases=len(of(NoteKind.BASES)),
        bases_size=_size_of(bases, blobs),
        interpreters=len(of(PYTHONS)),
        interpreters_size=sum(item.size for item in of(PYTHONS)),
        wheels=len(of(WHEELS)),
        wheels_size=sum(item.size for item in of(WHEELS)),
    )


def prune_cache(
    cache: CacheFolder, *, max_bytes: int | None = None, max_age: float | None = None, dry_run: bool = False
) -> Pruned:
    """Remove what was not used for `max_age` seconds, then what was not used for longest until `max_bytes` hold the
    rest; with it what no note names and what killed builds left.

    While builds use the cache, what was used in the last hour stays. With `dry_run` nothing is removed, and leftovers
    are not counted. Raises `CacheError` for a folder that is not a cache.
    """
    if not _is_there(cache):
        return Pruned(0, 0)
    with cache.pruning() as in_use:
        return _prune(cache, max_bytes, max_age, in_use=in_use, dry_run=dry_run)


def _prune(cache: CacheFolder, max_bytes: int | None, max_age: float | None, *, in_use: bool, dry_run: bool) -> Pruned:
    now = time.time()
    blobs = _blobs(cache)
    freed = 0 if dry_run else _remove_leftovers(cache)
    kept: set[str] = set()
    dropped: set[str] = set()
    left = 0
    for item in sorted(_items(cache), key=lambda item: item.used, reverse=True):
        new = item.size + _size_of(item.digests - kept, blobs)
        unused = now - item.used
        too_old = max_age is not None and unused > max_age
        too_much = max_bytes is not None and left + new > max_bytes
        if (too_old or too_much) and not (in_use and unused < _RECENT):
            dropped |= item.digests
            freed += item.size
            if not dry_run:
                _remove(item.path)
            continue
        left += new
        kept |= item.digests
    for digest, (path, status) in blobs.items():
        if digest in kept:
            continue
        # A blob that another build has just written has no note yet.
        if digest in dropped or now - status.st_mtime > _STALE:
            freed += status.st_size
            if not dry_run:
                _remove(path)
        else:
            left += status.st_size
    return Pruned(freed, left)


def remove_stopped_downloads(cache: CacheFolder) -> int:
    """Remove downloads that nobody went on with for a day; return the bytes that were freed."""
    freed = 0
    for path in _unfinished(cache):
        with suppress(OSError):
            status = path.lstat()
            if time.time() - status.st_mtime > _STALE and _is_free(path):
                path.unlink()
                freed += status.st_size
    return freed


def clear_cache(cache: CacheFolder) -> Pruned:
    """Remove everything; while builds use the cache, what was used in the last hour stays, and is `left`.

    Raises `CacheError` for a folder that is not a cache, and, at the end, where something cannot be removed.
    """
    if not _is_there(cache):
        return Pruned(0, 0)
    with cache.pruning() as in_use:
        if in_use:
            return _prune(cache, 0, None, in_use=True, dry_run=False)
        return Pruned(_remove_all(cache), 0)


def _remove_all(cache: CacheFolder) -> int:
    import shutil

    failures: list[OSError] = []

    def note(_function: object, _path: str, error: tuple[type[BaseException], BaseException, object]) -> None:
        if isinstance(error[1], OSError) and not isinstance(error[1], FileNotFoundError):
            failures.append(error[1])

    root = Path(os.path.realpath(cache.root))
    before = _tree_size(root)
    remove_leftovers(root)
    for name in CONTENTS:
        if not (root / name).is_symlink():
            shutil.rmtree(root / name, onerror=note)
    if failures:
        raise CacheError(f"not everything in {cache.root} can be removed: {reason_of(failures[0])}")
    return before - _tree_size(root)


def _is_there(cache: CacheFolder) -> bool:
    """Return whether there is a cache; an empty folder, or one that a build is making one of, holds nothing yet.

    Raises `CacheError` for what cannot be read, and for a folder that holds something else.
    """
    try:
        empty = cache.is_empty()  # first: a build marks the folder before anything else is in it
    except OSError as error:
        raise CacheError(f"{cache.root} is not a cache of conda-docker: {reason_of(error)}") from error
    if cache.is_marked():
        return True
    if not empty:
        raise CacheError(f"{cache.root} is not a cache of conda-docker: nothing was removed from it")
    return False


def _items(cache: CacheFolder) -> Iterator[_Item]:
    for kind in (*NoteKind, *EARLIER):
        # Those of earlier releases are one folder higher.
        for path, status in (*_files(cache.root / kind), *_files_below(cache.root / kind)):
            if not is_partial(path.name):
                yield _Item(path, status.st_mtime, status.st_size, kind, _digests(path, kind))
    for path, status in _files(cache.root / PACKAGES):
        if not path.name.startswith("."):
            yield _Item(path, status.st_mtime, status.st_size, PACKAGES)
    for kind in (PYTHONS, WHEELS):
        for path in _folders(cache.root / kind):
            if not is_partial(path.name):
                with suppress(OSError):
                    yield _Item(path, path.stat().st_mtime, _tree_size(path), kind)


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


def _blobs(cache: CacheFolder) -> dict[str, tuple[Path, os.stat_result]]:
    """Return every blob by its digest."""
    return {
        f"{path.parent.name}:{path.name}": (path, status)
        for path, status in _files_below(cache.root / BLOBS)
        if not is_partial(path.name)
    }


def _size_of(digests: frozenset[str] | set[str], blobs: dict[str, tuple[Path, os.stat_result]]) -> int:
    return sum(blobs[digest][1].st_size for digest in digests if digest in blobs)


def _unfinished(cache: CacheFolder) -> Iterator[Path]:
    """Return downloads that can go on where they stopped, and those that nobody goes on with."""
    return (path for path, _ in _files(cache.root / PACKAGES) if path.name.startswith("."))


def _remove_leftovers(cache: CacheFolder) -> int:
    freed = remove_leftovers(cache.root)
    for name in CONTENTS:
        folder = cache.root / name
        if folder.is_symlink():
            continue
        freed += remove_leftovers(folder)
        if name not in (PYTHONS, WHEELS):
            freed += sum(remove_leftovers(inner) for inner in _folders(folder))
    return freed + remove_stopped_downloads(cache)


def _is_free(path: Path) -> bool:
    number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        return try_lock(number)
    finally:
        os.close(number)


def _remove(path: Path) -> None:
    """Remove a file or a folder, which disappears at once with all that is in it."""
    with suppress(OSError):
        if path.is_symlink() or not path.is_dir():
            path.unlink()
            return
        with PartialFolder(path.parent) as doomed:
            path.rename(doomed.path / path.name)


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


def _folders(folder: Path) -> Iterator[Path]:
    return (Path(entry.path) for entry in _entries(folder) if entry.is_dir(follow_symlinks=False))


def _files_below(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Return the files in the folders of a folder."""
    return (found for inner in _folders(folder) for found in _files(inner))


def _tree_size(folder: Path) -> int:
    files = sum(status.st_size for _, status in _files(folder))
    return files + sum(_tree_size(inner) for inner in _folders(folder))
