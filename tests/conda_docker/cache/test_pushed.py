"""What is remembered of where blobs were pushed."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.cache import pushed
from conda_docker.cache.folder import CacheFolder, NoteKind
from conda_docker.cache.pushed import PushedBlobs
from conda_docker.cache.upkeep import clear_cache
from python_docker.spec.digest import Digest

BLOBS = [Digest.of(bytes([number])) for number in range(10)]


@pytest.fixture
def cache(tmp_path: Path) -> CacheFolder:
    return CacheFolder(tmp_path / "cache")


def test_the_latest_repository_comes_first(cache: CacheFolder) -> None:
    places = PushedBlobs(cache)
    for repository in ("a", "b", "a"):
        places.add("ghcr.io", repository, BLOBS[0])
    assert places.repositories("ghcr.io", BLOBS[0]) == ("a", "b")
    assert places.repositories("quay.io", BLOBS[0]) == ()


def test_it_is_remembered_once_it_is_kept(cache: CacheFolder) -> None:
    places = PushedBlobs(cache)
    places.add("ghcr.io", "a", BLOBS[0])
    assert PushedBlobs(cache).repositories("ghcr.io", BLOBS[0]) == ()
    places.keep("ghcr.io")
    assert PushedBlobs(cache).repositories("ghcr.io", BLOBS[0]) == ("a",)


def test_what_a_repository_does_not_have_any_more_is_forgotten(cache: CacheFolder) -> None:
    places = PushedBlobs(cache)
    places.add("ghcr.io", "a", BLOBS[0])
    places.remove("ghcr.io", "a", BLOBS[0])
    places.remove("ghcr.io", "a", BLOBS[0])
    assert places.repositories("ghcr.io", BLOBS[0]) == ()


def test_it_is_bounded_and_the_latest_stay(cache: CacheFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushed, "_MOST_BLOBS", 3)
    places = PushedBlobs(cache)
    for blob in (*BLOBS, BLOBS[0]):
        places.add("ghcr.io", "a", blob)
    for repository in "bcde":
        places.add("ghcr.io", repository, BLOBS[0])
    places.keep("ghcr.io")
    kept = PushedBlobs(cache)
    assert [blob for blob in BLOBS if kept.repositories("ghcr.io", blob)] == [BLOBS[0], BLOBS[8], BLOBS[9]]
    assert kept.repositories("ghcr.io", BLOBS[0]) == ("e", "d", "c")


@pytest.mark.parametrize("content", [b"", b"[]", b'{"blobs": 1}', b'{"blobs": {"x": 1}}'])
def test_a_note_that_makes_no_sense_is_none(cache: CacheFolder, content: bytes) -> None:
    cache.write_note(NoteKind.PUSHED, pushed._key("ghcr.io"), content)
    assert PushedBlobs(cache).repositories("ghcr.io", BLOBS[0]) == ()


def test_clearing_the_cache_forgets_it(cache: CacheFolder) -> None:
    places = PushedBlobs(cache)
    places.add("ghcr.io", "a", BLOBS[0])
    places.keep("ghcr.io")
    clear_cache(cache)
    assert PushedBlobs(cache).repositories("ghcr.io", BLOBS[0]) == ()


def test_a_cache_that_cannot_be_written_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    places = PushedBlobs(CacheFolder(tmp_path / "file"))
    places.add("ghcr.io", "a", BLOBS[0])
    places.keep("ghcr.io")
    assert places.repositories("ghcr.io", BLOBS[0]) == ("a",)
