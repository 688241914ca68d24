"""LayerCache: layers that exist already, found by what went into them."""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conda_docker.cache.notes import read_note, write_note
from conda_docker.errors import CacheError
from conda_docker.layers.facts import LayerFacts
from python_docker.blob import Blob, BlobStore
from python_docker.errors import ContentMismatch
from python_docker.layer import Layer
from python_docker.spec.digest import Digest
from python_docker.spec.documents import Descriptor

_LEFTOVERS = ("blobs/.partial-*", "*/*/.partial-*", "packages/.*")
_CANNOT_WRITE = frozenset({errno.ENOSPC, errno.EROFS, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
_STALE = 24 * 3600  # seconds after which what a killed build left behind is removed


@dataclass(frozen=True, slots=True)
class CacheInfo:
    """What a cache holds; `size` in bytes."""

    root: Path
    layers: int
    size: int
    packages: int
    packages_size: int


class LayerCache:
    """A folder with a blob for each layer and a small JSON file for each key (see `conda_docker.layers.recipe`).

    Safe for any number of builds at once, and against being killed: entries appear whole or not at all. An entry whose
    blob is missing or damaged counts as absent, and the layer is made again: a blob is hashed whenever it is sent
    anywhere, and before it is linked to if its file has changed since it was written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.blobs = BlobStore(root)
        self._entries = root / "layers"

    def get(self, key: str) -> tuple[Layer, LayerFacts] | None:
        """The layer of a key and what was found while it was made, or None."""
        path = self._path(key)
        try:
            entry = json.loads(read_note(path))
            descriptor = Descriptor.new(entry["mediaType"], Digest(entry["digest"]), int(entry["size"]))
            diff_id, facts = Digest(entry["diffId"]), LayerFacts.from_json(entry["facts"])
            blob_path = self.blobs.path_of(descriptor.digest)
            status = blob_path.stat()
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if status.st_size != descriptor.size:
            return None
        layer = Layer(Blob.from_file(blob_path, descriptor, trusted=True), diff_id)
        if status.st_mtime_ns != entry.get("changed"):
            # Written to, restored from a backup, or made again by another build: look once, then note its new time.
            if not _is_intact(layer.blob):
                return None
            self.put(key, layer, facts)
        self._touch(path)
        return layer, facts

    def put(self, key: str, layer: Layer, facts: LayerFacts) -> None:
        """Keep an entry for a layer whose blob is in `blobs`. Raises `CacheError` when it cannot be written."""
        with writing_cache(self.root):
            entry = {
                "mediaType": layer.descriptor.media_type,
                "digest": layer.digest,
                "size": layer.size,
                "diffId": layer.diff_id,
                "changed": self.blobs.path_of(layer.digest).stat().st_mtime_ns,
                "facts": facts.to_json(),
            }
            write_note(self._path(key), json.dumps(entry, separators=(",", ":")).encode())

    def _path(self, key: str) -> Path:
        return self._entries / key[:2] / f"{key}.json"

    @staticmethod
    def _touch(path: Path) -> None:
        """Note that an entry is in use: what was not used for longest is pruned first."""
        try:
            os.utime(path)
        except OSError:
            return  # a cache that can only be read is still a cache

    def info(self) -> CacheInfo:
        """How much the cache holds."""
        packages = list(self._package_files())
        return CacheInfo(
            root=self.root,
            layers=sum(1 for _ in self._entries.glob("*/*.json")),
            size=self.blobs.size(),
            packages=len(packages),
            packages_size=sum(path.stat().st_size for path in packages),
        )

    def _package_files(self) -> Iterator[Path]:
        folder = self.root / "packages"
        # What begins with a dot is being downloaded.
        return (path for path in folder.glob("[!.]*") if path.is_file())

    def prune(self, *, max_bytes: int | None = None, max_age: float | None = None) -> int:
        """Remove entries not used for `max_age` seconds, then the least recently used until the blobs and downloaded
        packages fit in `max_bytes`; with them whatever no entry names. Gives the bytes that were freed.
        """
        now = time.time()
        freed = self._remove_leftovers(now)
        candidates = sorted(
            [(path.stat().st_mtime, path) for path in (*self._entries.glob("*/*.json"), *self._package_files())],
            reverse=True,
        )
        kept: set[str] = set()
        dropped: set[str] = set()
        total = 0
        for used, path in candidates:
            digest, size = self._measure(path)
            new = 0 if digest in kept else size
            too_old = max_age is not None and now - used > max_age
            if too_old or (max_bytes is not None and total + new > max_bytes):
                if digest is None:
                    freed += size
                else:
                    dropped.add(digest)
                path.unlink(missing_ok=True)
                continue
            total += new
            if digest is not None:
                kept.add(digest)
        for blob in self.root.glob("blobs/*/*"):
            digest = f"{blob.parent.name}:{blob.name}"
            with suppress(FileNotFoundError):  # another process prunes too
                status = blob.stat()
                # A blob that another build has just written has no entry yet.
                abandoned = digest in dropped or now - status.st_mtime > _STALE or max_bytes == 0
                if digest not in kept and abandoned:
                    blob.unlink()
                    freed += status.st_size
        return freed

    def _measure(self, path: Path) -> tuple[str | None, int]:
        if path.suffix != ".json":
            return None, path.stat().st_size
        try:
            entry: dict[str, Any] = json.loads(read_note(path))
            return str(entry["digest"]), int(entry["size"])
        except (OSError, ValueError, KeyError, TypeError):
            return "", 0

    def _remove_leftovers(self, now: float) -> int:
        freed = 0
        for path in (
            *self.root.glob("blobs/.partial-*"),
            *self.root.glob("*/*/.partial-*"),
            *self.root.glob("packages/.*"),
        ):
            try:
                status = path.stat()
                if now - status.st_mtime > _STALE:
                    freed += status.st_size
                    path.unlink()
            except OSError:
                continue
        return freed

    def clear(self) -> int:
        """Remove everything; gives the bytes that were freed."""
        info = self.info()
        for name in ("blobs", "layers", "packages", "clobbers", "index", "bases", "glibc", "pythons"):
            shutil.rmtree(self.root / name, ignore_errors=True)
        return info.size + info.packages_size


@contextmanager
def writing_cache(root: Path) -> Iterator[None]:
    """Within it, an error that says that the cache in `root` is full or cannot be written is raised as `CacheError`."""
    try:
        yield
    except OSError as error:
        named = error.filename is not None and Path(os.fsdecode(error.filename)).is_relative_to(root)
        # An error of writing to an open file names none.
        if not named and not (error.filename is None and error.errno in _CANNOT_WRITE):
            raise
        raise CacheError(
            f"the cache {root} cannot be written: {error.strerror or error}; "
            "choose another folder with --cache-dir or CONDA_DOCKER_CACHE"
        ) from error


def _is_intact(blob: Blob) -> bool:
    try:
        with blob.open() as stream:
            while stream.read(1 << 20):
                pass
    except (OSError, ContentMismatch):
        return False
    return True


def default_cache_dir() -> Path:
    """`CONDA_DOCKER_CACHE`, else the place for caches of this system's conventions."""
    chosen = os.environ.get("CONDA_DOCKER_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("conda-docker", appauthor=False))
