"""A cache with one of everything in it, whose sizes tests know."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from conda_docker.cache.folder import CacheFolder, NoteKind


def fill(cache: CacheFolder) -> CacheFolder:
    """Put one of everything into a cache, and return it."""
    add_layer(cache, "a", 1000)
    add_base(cache, "b", 3000)
    for kind in (NoteKind.INDEX, NoteKind.CLOBBERS, NoteKind.SYSTEMS, NoteKind.DISTRIBUTIONS):
        cache.write_note(kind, 64 * "c", b"{}")
    cache.package("p.conda").parent.mkdir()
    cache.package("p.conda").write_bytes(500 * b"p")
    cache.wheel("k").mkdir(parents=True)
    (cache.wheel("k") / "w-1-py3-none-any.whl").write_bytes(300 * b"w")
    (cache.python("3.12.0-0") / "bin").mkdir(parents=True)
    (cache.python("3.12.0-0") / "bin/python").write_bytes(700 * b"p")
    return cache


def add_layer(cache: CacheFolder, key: str, size: int) -> Path:
    with cache.blobs.writer() as writer:
        writer.write(os.urandom(size))
        blob = writer.commit("a/b")
    entry = {"digest": blob.descriptor.digest, "size": size}
    cache.write_note(NoteKind.LAYERS, 64 * key, json.dumps(entry).encode())
    return cache.blobs.path_of(blob.descriptor.digest)


def add_base(cache: CacheFolder, key: str, size: int) -> None:
    blobs = [cache.blobs.add_bytes(os.urandom(size // 2), "a/b").descriptor.digest for _ in range(2)]
    manifest = {"config": {"digest": blobs[0]}, "layers": [{"digest": blobs[1]}]}
    cache.write_note(NoteKind.BASES, 64 * key, json.dumps(["a/b", json.dumps(manifest)]).encode())


def age(path: Path, seconds: float) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


def files(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()}


def contents(cache: CacheFolder) -> int:
    """The bytes of all files but the marks."""
    return sum(size for name, size in files(cache.root).items() if "/" in name)
