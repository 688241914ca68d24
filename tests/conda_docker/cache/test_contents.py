"""What a cache holds is counted once, and by kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conda_docker.cache.contents import cache_info
from conda_docker.cache.folder import CacheFolder, NoteKind
from tests.conda_docker.cache.filled import add_layer, contents, fill


@pytest.fixture
def cache(tmp_path: Path) -> CacheFolder:
    """Return a cache with one of everything."""
    return fill(CacheFolder(tmp_path / "cache"))


def test_info_counts_everything(cache: CacheFolder) -> None:
    info = cache_info(cache)
    assert info.size == contents(cache)
    counts = {name: getattr(info, name) for name in info.__slots__ if name not in ("root", "size")}
    assert counts == {
        "layers": 1,
        "layers_size": 1000,
        "packages": 1,
        "packages_size": 500,
        "bases": 1,
        "bases_size": 3000,
        "interpreters": 1,
        "interpreters_size": 700,
        "wheels": 1,
        "wheels_size": 300,
    }


def test_what_a_layer_and_a_base_share_counts_once(cache: CacheFolder) -> None:
    path = add_layer(cache, "d", 200)
    manifest = {"config": {"digest": f"sha256:{path.name}"}, "layers": []}
    cache.write_note(NoteKind.BASES, 64 * "e", json.dumps(["a/b", json.dumps(manifest)]).encode())
    info = cache_info(cache)
    assert (info.layers_size, info.bases_size) == (1200, 3000)
    assert info.size == contents(cache)
