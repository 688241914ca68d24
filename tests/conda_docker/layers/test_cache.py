"""The layer cache: found by key, safe when damaged, bounded by pruning."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from conda_docker.cache.notes import read_note
from conda_docker.errors import CacheError
from conda_docker.layers.cache import LayerCache, default_cache_dir
from conda_docker.layers.facts import LayerFacts
from python_docker.layer import Layer, build_layer
from python_docker.tar import TarEntry

KEY = 64 * "a"
FACTS = LayerFacts(
    packages=("zlib-1.3-0",),
    post_link=("zlib",),
    activate=("etc/conda/activate.d/zlib.sh",),
    variables={"zlib.json": {"ZLIB": "1"}},
    trimmed_files=2,
    trimmed_bytes=300,
    uncompiled=("lib/x.py",),
    paths=frozenset({1, 2**64 - 1}),
    folders=frozenset({7}),
)


def put(cache: LayerCache, key: str = KEY, content: bytes = b"hello") -> Layer:
    with build_layer(cache.blobs.writer()) as builder:
        builder.add(TarEntry("hello", size=len(content)), content)
    assert builder.layer is not None
    cache.put(key, builder.layer, FACTS)
    return builder.layer


def test_a_layer_is_found_again_with_its_facts(tmp_path: Path) -> None:
    layer = put(LayerCache(tmp_path))
    found = LayerCache(tmp_path).get(KEY)
    assert found is not None
    assert (found[0].digest, found[0].diff_id, found[1]) == (layer.digest, layer.diff_id, FACTS)
    assert found[0].list_files() == ["hello"]


def test_an_unknown_key_is_no_error(tmp_path: Path) -> None:
    assert LayerCache(tmp_path).get(KEY) is None


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"null", b'{"digest": 3}', b"\xff\xfe"])
def test_a_damaged_entry_counts_as_absent(tmp_path: Path, damage: bytes) -> None:
    cache = LayerCache(tmp_path)
    put(cache)
    next(tmp_path.glob("layers/*/*.json")).write_bytes(damage)
    assert cache.get(KEY) is None


def test_no_bit_of_an_entry_can_flip_unnoticed(tmp_path: Path) -> None:
    cache = LayerCache(tmp_path)
    put(cache)
    path = next(tmp_path.glob("layers/*/*.json"))
    content = path.read_bytes()
    for place in range(0, len(content), 7):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert cache.get(KEY) is None
    path.write_bytes(content)
    assert cache.get(KEY) is not None


@pytest.mark.parametrize("damage", ["remove", "truncate", "grow", "flip a bit"])
def test_an_entry_without_its_blob_counts_as_absent(tmp_path: Path, damage: str) -> None:
    cache = LayerCache(tmp_path)
    path = put(cache).blob.path
    assert path is not None
    if damage == "remove":
        path.unlink()
    else:
        content = path.read_bytes()
        flipped = bytes([content[0] ^ 1]) + content[1:]
        path.write_bytes({"truncate": content[:-1], "grow": content + b"x", "flip a bit": flipped}[damage])
    assert cache.get(KEY) is None


def test_a_cache_that_was_moved_is_looked_at_once(tmp_path: Path) -> None:
    layer = put(LayerCache(tmp_path))
    assert layer.blob.path is not None
    os.utime(layer.blob.path, (1, 1))
    entry = next(tmp_path.glob("layers/*/*.json"))
    before = entry.read_bytes()
    found = LayerCache(tmp_path).get(KEY)
    assert found is not None
    assert found[0].blob.path == layer.blob.path
    assert entry.read_bytes() != before


def test_a_cache_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    cache = LayerCache(tmp_path)
    layer = put(cache)
    cache.clear()
    (tmp_path / "layers").write_text("a file where a folder should be")
    with pytest.raises(CacheError, match="cannot be written"):
        cache.put(KEY, layer, FACTS)


def test_pruning_removes_the_least_recently_used_first(tmp_path: Path) -> None:
    cache = LayerCache(tmp_path)
    sizes = [put(cache, f"{number:064}", os.urandom(2000)).size for number in range(3)]
    for number in range(3):
        path = tmp_path / "layers" / "00" / f"{number:064}.json"
        os.utime(path, (time.time() - 1000 + number,) * 2)
    assert cache.get(f"{0:064}") is not None  # in use: now the most recent
    cache.prune(max_bytes=sizes[0] + sizes[2])
    assert [cache.get(f"{number:064}") is not None for number in range(3)] == [True, False, True]


def test_pruning_removes_the_layers_themselves(tmp_path: Path) -> None:
    cache = LayerCache(tmp_path)
    old, new = put(cache, "aa" * 32, b"old" * 1000), put(cache, "bb" * 32, b"new" * 1000)
    os.utime(tmp_path / "layers/aa" / f"{'aa' * 32}.json", (1, 1))
    assert cache.prune(max_bytes=new.size) == old.size
    assert cache.info().size == new.size


def test_pruning_by_age(tmp_path: Path) -> None:
    cache = LayerCache(tmp_path)
    put(cache)
    os.utime(next(tmp_path.glob("layers/*/*.json")), (time.time() - 100,) * 2)
    cache.prune(max_age=1000)
    assert cache.info().layers == 1
    cache.prune(max_age=10)
    assert cache.info().layers == 0


def test_what_a_killed_build_left_behind_goes_after_a_day(tmp_path: Path) -> None:
    cache = LayerCache(tmp_path)
    put(cache)
    leftover = tmp_path / "blobs" / ".partial-1-2"
    leftover.write_bytes(b"x" * 100)
    cache.prune()
    assert leftover.exists()
    os.utime(leftover, (time.time() - 2 * 24 * 3600,) * 2)
    assert cache.prune() == 100
    assert not leftover.exists()
    assert cache.get(KEY) is not None


def test_clearing_removes_everything(tmp_path: Path) -> None:
    cache = LayerCache(tmp_path)
    layer = put(cache)
    assert cache.clear() == layer.size
    assert cache.info().size == 0
    assert cache.get(KEY) is None


def test_an_entry_is_plain_json(tmp_path: Path) -> None:
    put(LayerCache(tmp_path))
    entry = json.loads(read_note(next(tmp_path.glob("layers/*/*.json"))))
    assert entry["facts"]["postLink"] == ["zlib"]


def test_the_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CONDA_DOCKER_CACHE", str(tmp_path))
    assert default_cache_dir() == tmp_path
