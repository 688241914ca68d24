"""Layers in the cache folder: found by their keys, and never used when they are damaged."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from conda_docker.cache.folder import NoteKind
from conda_docker.errors import CacheError
from conda_docker.layers.facts import LayerFacts
from conda_docker.layers.stores.folder import FolderStore
from python_docker.errors import ContentMismatch
from python_docker.files.checksum import checksum_of
from python_docker.image.blob import Blob
from python_docker.image.blob_store import BlobStore
from python_docker.image.layer import Layer
from python_docker.image.layer_builder import build_layer
from python_docker.image.stored_file import StoredFile
from python_docker.tar import TarEntry
from tests.damage import flip_a_bit

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


def put(store: FolderStore, key: str = KEY, content: bytes = b"hello") -> Layer:
    with build_layer(store.blobs.writer()) as builder:
        builder.add(TarEntry("hello", size=len(content)), content)
    assert builder.layer is not None
    store.put(key, builder.layer, FACTS)
    return builder.layer


def test_a_layer_is_found_again_with_its_facts(tmp_path: Path) -> None:
    layer = put(FolderStore(tmp_path))
    found = FolderStore(tmp_path).get(KEY)
    assert found is not None
    assert (found[0].digest, found[0].diff_id, found[1]) == (layer.digest, layer.diff_id, FACTS)
    assert found[0].list_files() == ["hello"]


def test_an_entry_has_the_checksum_of_its_blob(tmp_path: Path) -> None:
    layer = put(FolderStore(tmp_path))
    found = FolderStore(tmp_path).get(KEY)
    assert found is not None
    assert found[0].blob.file is not None
    assert found[0].blob.file.checksum == checksum_of(tmp_path / "blobs/sha256" / layer.digest.encoded)


def test_a_layer_without_a_checksum_is_checked_by_its_digest(tmp_path: Path) -> None:
    layer = put(FolderStore(tmp_path))
    path = tmp_path / "blobs/sha256" / layer.digest.encoded
    FolderStore(tmp_path).put(KEY, Layer(Blob.stored(path, layer.descriptor), layer.diff_id), FACTS)
    flip_a_bit(path)
    found = FolderStore(tmp_path).get(KEY)
    assert found is not None
    with pytest.raises(ContentMismatch):
        found[0].blob.open()


def test_an_unknown_key_is_no_error(tmp_path: Path) -> None:
    assert FolderStore(tmp_path).get(KEY) is None


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"null", b'{"digest": 3}', b"\xff\xfe"])
def test_a_damaged_entry_counts_as_absent(tmp_path: Path, damage: bytes) -> None:
    store = FolderStore(tmp_path)
    put(store)
    next(tmp_path.glob("layers/*/*.json")).write_bytes(damage)
    assert store.get(KEY) is None


@pytest.mark.parametrize("content", [b"{", b"[]", b"{}", b'{"mediaType": "x", "digest": "y", "size": 1}'])
def test_an_entry_of_another_form_counts_as_absent(tmp_path: Path, content: bytes) -> None:
    store = FolderStore(tmp_path)
    store.folder.write_note(NoteKind.LAYERS, KEY, content)
    assert store.get(KEY) is None


def test_no_bit_of_an_entry_can_flip_unnoticed(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    put(store)
    path = next(tmp_path.glob("layers/*/*.json"))
    content = path.read_bytes()
    for place in range(0, len(content), 7):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert store.get(KEY) is None
    path.write_bytes(content)
    assert store.get(KEY) is not None


@pytest.mark.parametrize("damage", ["remove", "truncate", "grow"])
def test_an_entry_without_its_blob_counts_as_absent(tmp_path: Path, damage: str) -> None:
    store = FolderStore(tmp_path)
    path = store.blobs.path_of(put(store).digest)
    content = path.read_bytes()
    if damage == "remove":
        path.unlink()
    else:
        path.write_bytes({"truncate": content[:-1], "grow": content + b"x"}[damage])
    assert store.get(KEY) is None


def test_a_cache_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    layer = put(store)
    shutil.rmtree(tmp_path / "layers")
    (tmp_path / "layers").write_text("a file where a folder should be")
    with pytest.raises(CacheError, match="cannot be written"):
        store.put(KEY, layer, FACTS)


def test_an_entry_that_was_copied_under_another_key_counts_as_absent(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    put(store)
    note = next(tmp_path.glob("layers/*/*.json"))
    other = store.folder.note(NoteKind.LAYERS, 64 * "b")
    other.parent.mkdir()
    other.write_bytes(note.read_bytes())
    assert store.get(64 * "b") is None
    assert store.get(KEY) is not None


def test_a_bit_that_flips_on_the_disk_is_noticed_before_anything_is_linked(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "cache")
    put(store)
    flip_a_bit(next(tmp_path.glob("cache/blobs/*/*")))
    found = store.get(KEY)
    assert found is not None
    layout = BlobStore(tmp_path / "layout")
    with pytest.raises(ContentMismatch, match="was damaged and has been removed"):
        layout.add(found[0].blob)
    assert not (tmp_path / "layout").exists()
    assert store.get(KEY) is None


def test_looking_an_entry_up_reads_no_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FolderStore(tmp_path)
    put(store)
    monkeypatch.setattr(StoredFile, "checked", lambda _: pytest.fail("the layer was read"))
    assert store.get(KEY) is not None


def test_an_entry_that_is_used_is_the_last_to_be_pruned(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    put(store)
    note = store.folder.note(NoteKind.LAYERS, KEY)
    os.utime(note, (1, 1))
    store.get(KEY)
    assert note.stat().st_mtime > 1


def test_an_entry_is_plain_json(tmp_path: Path) -> None:
    put(FolderStore(tmp_path))
    entry = json.loads(next(tmp_path.glob("layers/*/*.json")).read_bytes().splitlines()[-1])
    assert entry["facts"]["postLink"] == ["zlib"]
