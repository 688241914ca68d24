"""Room for layers, packages and images."""

from __future__ import annotations

import os
import time
from pathlib import Path

from conda_docker.cache.folder import CacheFolder, NoteKind
from conda_docker.serve.making.disk import make_room
from python_docker.spec.digest import Digest


def filled(root: Path) -> tuple[CacheFolder, list[Digest]]:
    """Return a cache with three layers of 100 bytes, the oldest first, and a package of 50."""
    cache = CacheFolder(root)
    digests = []
    with cache.writing():
        for age, content in enumerate((b"a" * 100, b"b" * 100, b"c" * 100)):
            digests.append(cache.blobs.add_bytes(content, "application/octet-stream").descriptor.digest)
            os.utime(cache.blobs.path_of(digests[-1]), (age, age))
        cache.package("package.conda").parent.mkdir()
        cache.package("package.conda").write_bytes(b"p" * 50)
        os.utime(cache.package("package.conda"), (5, 5))
        cache.package(".package.part").write_bytes(b"p" * 50)
    return cache, digests


def test_packages_go_first_then_the_oldest_layers(tmp_path: Path) -> None:
    cache, (first, second, third) = filled(tmp_path / "cache")
    assert make_room(cache, 320, 10) == 50
    assert make_room(cache, 250, 10) == 100
    assert [cache.blobs.path_of(digest).exists() for digest in (first, second, third)] == [False, True, True]


def test_what_is_in_use_counts_and_stays(tmp_path: Path) -> None:
    cache, (first, second, third) = filled(tmp_path / "cache")
    assert make_room(cache, 100, 2) == 200
    assert [cache.blobs.path_of(digest).exists() for digest in (first, second, third)] == [False, False, True]
    assert cache.package("package.conda").exists()


def test_images_go_last_and_not_while_somebody_may_be_pulling_them(tmp_path: Path) -> None:
    cache, _ = filled(tmp_path / "cache")
    for key in ("old", "new"):
        cache.write_note(NoteKind.SERVED, key, b"{}")
        cache.write_note(NoteKind.SERVED_NAMES, key, b"{}")
    os.utime(cache.note(NoteKind.SERVED, "old"), (1, 1))
    os.utime(cache.note(NoteKind.SERVED_NAMES, "old"), (0, 0))
    names = cache.note(NoteKind.SERVED_NAMES, "old").stat().st_size
    make_room(cache, 3 * names, time.time())
    assert [cache.read_note(NoteKind.SERVED, key) for key in ("old", "new")] == [None, b"{}"]
    assert cache.note(NoteKind.SERVED_NAMES, "old").exists()
    make_room(cache, 0, time.time())
    assert [cache.read_note(NoteKind.SERVED_NAMES, key) for key in ("old", "new")] == [None, b"{}"]


def test_a_download_under_way_stays(tmp_path: Path) -> None:
    cache, _ = filled(tmp_path / "cache")
    make_room(cache, 0, 10)
    assert cache.package(".package.part").exists()


def test_where_there_is_room_nothing_goes(tmp_path: Path) -> None:
    cache, _ = filled(tmp_path / "cache")
    assert make_room(cache, 350, 10) == 0
    assert make_room(CacheFolder(tmp_path / "none"), 0, 10) == 0
