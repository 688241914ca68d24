"""Folders of wheels (`--find-links DIR`), made into pages of links that uv reads instead.

uv must know the hash of what it chooses. A folder does not say, so uv unpacks the wheel into its cache to learn it,
which takes longer than building an image of it. A page of links (the format of `--find-links URL`) says it.

    DIR ──stamps──> hashes, remembered ──> links-0.html ──> uv
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from conda_docker.cache.folder import CacheFolder, NoteKind
from conda_docker.package.fetch.find import hash_file, local_path

_SOURCES = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst", ".zip")
_SETTLED = 2_000_000_000
"""Nanoseconds that a file must have been left alone: a clock may tick too seldom to show a second change."""


class _Stamp(NamedTuple):
    """What changes when a file does. A user can set every time of a file but the last one here."""

    size: int
    number: int
    modified: int
    changed: int


def link_pages(places: Sequence[str], folder: Path, cache_dir: Path) -> tuple[str, ...]:
    """Return `places` (paths and URLs) with a page in `folder` instead of each one that is a folder on this machine.

    Wheels are hashed once: what was found is remembered in `cache_dir`, for as long as a file's stamp is the same. A
    stale hash could do no harm: a layer is found by it, or the wheel is hashed again before it is used.
    """
    pages = []
    for number, place in enumerate(places):
        path = _folder(place)
        if path is None:
            pages.append(place)
            continue
        page = folder / f"links-{number}.html"
        page.write_text(_page(path, cache_dir), encoding="utf-8")
        pages.append(page.as_uri())
    return tuple(pages)


def _folder(place: str) -> Path | None:
    path = local_path(place) or Path(place)
    try:
        return path if path.is_absolute() and path.is_dir() and os.access(path, os.R_OK) else None
    except OSError:
        return None


def _page(folder: Path, cache_dir: Path) -> str:
    names = sorted(name for name in os.listdir(folder) if name.endswith((".whl", *_SOURCES)))
    paths = [path for name in names if (path := folder / name).is_file()]
    hashes = _hashes([path for path in paths if path.suffix == ".whl"], folder, cache_dir)
    lines = ["<!DOCTYPE html>", "<html><body>"]
    for path in paths:
        sha256 = hashes.get(path.name)
        # A URI has no character that HTML would take for its own.
        url = path.as_uri() + (f"#sha256={sha256}" if sha256 else "")
        lines.append(f'<a href="{url}">{url}</a>')
    return "\n".join([*lines, "</body></html>", ""])


def _hashes(wheels: Iterable[Path], folder: Path, cache_dir: Path) -> dict[str, str]:
    """Return the SHA-256 of the wheels that can be read, by their names."""
    cache = CacheFolder(cache_dir)
    key = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()
    known = _remembered(cache, key)
    stamps: dict[str, _Stamp] = {}
    for wheel in wheels:
        with suppress(OSError):
            stamps[wheel.name] = _stamp(wheel)
    hashes = {name: known[name][1] for name, stamp in stamps.items() if name in known and known[name][0] == stamp}
    unknown = [name for name in stamps if name not in hashes]
    if not unknown:
        return hashes
    begun = time.time_ns()
    with ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="hash") as pool:
        found = pool.map(lambda name: _hash(folder / name), unknown)
        hashes |= {name: sha256 for name, sha256 in zip(unknown, found, strict=True) if sha256 is not None}
    kept = {}
    for name, sha256 in hashes.items():
        stamp = stamps[name]
        with suppress(OSError):
            if _stamp(folder / name) == stamp and max(stamp.modified, stamp.changed) + _SETTLED < begun:
                kept[name] = (*stamp, sha256)
    cache.remember(NoteKind.WHEEL_FOLDERS, key, json.dumps(kept, separators=(",", ":")).encode())
    return hashes


def _stamp(path: Path) -> _Stamp:
    status = path.stat()
    return _Stamp(status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns)


def _hash(path: Path) -> str | None:
    try:
        return hash_file(path, "sha256")
    except OSError:
        return None


def _remembered(cache: CacheFolder, key: str) -> dict[str, tuple[_Stamp, str]]:
    note = cache.read_note(NoteKind.WHEEL_FOLDERS, key)
    if note is None:
        return {}
    try:
        return {name: (_Stamp(*map(int, row[:4])), str(row[4])) for name, row in json.loads(note).items()}
    except (ValueError, TypeError, AttributeError, IndexError):
        return {}
