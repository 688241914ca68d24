"""Room for layers and packages."""

from __future__ import annotations

import os
from pathlib import Path

from conda_docker.cache.folder import CacheFolder
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
        cache.package(".package.part").write_bytes(b"p" * 50)
    return cache, digests


def test_packages_go_first_then_the_oldest_layers(tmp_path: Path) -> None:
    cache, (first, second, third) = filled(tmp_path / "cache")
    assert make_room(cache, 320) == 50
    assert make_room(cache, 250) == 100
    assert [cache.blobs.path_of(digest).exists() for digest in (first, second, third)] == [False, True, True]


def test_what_is_kept_counts_and_stays(tmp_path: Path) -> None:
    cache, (first, second, third) = filled(tmp_path / "cache")
    assert make_room(cache, 100, [first]) == 250
    assert [cache.blobs.path_of(digest).exists() for digest in (first, second, third)] == [True, False, False]


def test_a_download_under_way_stays(tmp_path: Path) -> None:
    cache, _ = filled(tmp_path / "cache")
    make_room(cache, 0)
    assert cache.package(".package.part").exists()


def test_where_there_is_room_nothing_goes(tmp_path: Path) -> None:
    cache, _ = filled(tmp_path / "cache")
    assert make_room(cache, 350) == 0
    assert make_room(CacheFolder(tmp_path / "none"), 0) == 0
