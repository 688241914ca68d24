"""Removing what is not needed from a cache, never outside it and never through links.

What is removed is what is in folders of the cache's own names, in a folder that bears its mark. Whatever a note names
goes with the last note that names it.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from conda_docker.cache.contents import find_blobs, find_items, find_unfinished, folders, size_of, tree_size
from conda_docker.cache.folder import CONTENTS, PYTHONS, WHEELS, CacheFolder
from conda_docker.errors import CacheError
from python_docker.errors import reason_of
from python_docker.files.atomic import PartialFolder
from python_docker.files.leftovers import remove_leftovers
from python_docker.files.lock import try_lock

_RECENT = 3600.0  # seconds; what builds under way have used since is kept
_STALE = 24 * 3600  # seconds after which a blob that no note names, or a download that stopped, is removed


@dataclass(frozen=True, slots=True)
class Pruned:
    """What pruning came to, in bytes: what was `freed`, and what is `left`."""

    freed: int
    left: int


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
    blobs = find_blobs(cache)
    freed = 0 if dry_run else _remove_leftovers(cache)
    kept: set[str] = set()
    dropped: set[str] = set()
    left = 0
    for item in sorted(find_items(cache), key=lambda item: item.used, reverse=True):
        new = item.size + size_of(item.digests - kept, blobs)
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
    for path in find_unfinished(cache):
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
    before = tree_size(root)
    remove_leftovers(root)
    for name in CONTENTS:
        if not (root / name).is_symlink():
            shutil.rmtree(root / name, onerror=note)
    if failures:
        raise CacheError(f"not everything in {cache.root} can be removed: {reason_of(failures[0])}")
    return before - tree_size(root)


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


def _remove_leftovers(cache: CacheFolder) -> int:
    freed = remove_leftovers(cache.root)
    for name in CONTENTS:
        folder = cache.root / name
        if folder.is_symlink():
            continue
        freed += remove_leftovers(folder)
        if name not in (PYTHONS, WHEELS):
            freed += sum(remove_leftovers(inner) for inner in folders(folder))
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
