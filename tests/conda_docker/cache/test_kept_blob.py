"""A blob of elsewhere is read once, and then from the cache."""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from conda_docker.cache.folder import CacheFolder
from conda_docker.cache.kept_blob import kept_blob
from python_docker.image.blob import Blob
from python_docker.spec.documents.descriptor import Descriptor
from tests.damage import flip_a_bit

CONTENT = b"hello" * 1000


def test_it_is_read_once(tmp_path: Path) -> None:
    opened: list[int] = []

    def read() -> io.BytesIO:
        opened.append(1)
        return io.BytesIO(CONTENT)

    far = replace(Blob(Descriptor.of(CONTENT, "text/plain"), read), origin="ghcr.io/team/app")
    cache = CacheFolder(tmp_path / "cache")
    kept = kept_blob(far, cache)
    assert (kept.origin, opened) == ("ghcr.io/team/app", [])
    assert [kept_blob(far, cache).read() for _ in range(3)] == [CONTENT] * 3
    assert len(opened) == 1
    flip_a_bit(cache.blobs.path_of(kept.descriptor.digest))
    assert kept_blob(far, cache).read() == CONTENT
    assert len(opened) == 2


def test_who_wants_it_meanwhile_waits_for_it(tmp_path: Path) -> None:
    opened: list[int] = []
    all_there = threading.Barrier(4)

    def read() -> io.BytesIO:
        opened.append(1)
        return io.BytesIO(CONTENT)

    def fetch() -> bytes:
        blob = kept_blob(Blob(Descriptor.of(CONTENT, "text/plain"), read), CacheFolder(tmp_path / "cache"))
        all_there.wait(120)
        return blob.read()

    with ThreadPoolExecutor(4) as pool:
        assert {future.result() for future in [pool.submit(fetch) for _ in range(4)]} == {CONTENT}
    assert len(opened) == 1
    assert [path.name for path in (tmp_path / "cache" / "blobs").iterdir()] == ["sha256"]
