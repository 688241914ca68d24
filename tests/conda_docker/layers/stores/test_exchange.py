"""Layers from the cache to a layer repository, and the other way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from conda_docker.cache.folder import NoteKind
from conda_docker.errors import CacheError
from conda_docker.layers.stores.exchange import Exchanged, exchange_layers
from conda_docker.layers.stores.folder import FolderStore
from python_docker.errors import ContentMismatch, notes_of
from python_docker.image.layer import Layer
from python_docker.spec.digest import Digest
from tests.conda_docker.layers.stores.shelves import add_layer, repository_store
from tests.peers import Registry
from tests.python_docker.registry.stub_registry import StubRegistry


@pytest.fixture
def reference(registry: Registry, repository: str) -> str:
    return f"{registry.host}/{repository}"


def test_what_one_machine_pushes_another_pulls(reference: str, tmp_path: Path) -> None:
    here, there = FolderStore(tmp_path / "here"), FolderStore(tmp_path / "there")
    keys = [add_layer(here, name) for name in ("a", "b", "c")]
    pushed = exchange_layers(here, repository_store(reference, here.root), here.folder)
    assert (pushed.copied, pushed.present) == (3, 0)
    pulled = exchange_layers(repository_store(reference, there.root), there, there.folder)
    assert pulled == pushed
    for key in keys:
        mine, theirs = here.entry(key), there.entry(key)
        assert mine is not None
        assert theirs is not None
        assert (mine.inputs, mine.facts, mine.layer.digest) == (theirs.inputs, theirs.facts, theirs.layer.digest)
        assert theirs.layer.list_files()


def test_what_is_there_is_not_copied_again(reference: str, registry: Registry, tmp_path: Path) -> None:
    here = FolderStore(tmp_path / "here")
    add_layer(here, "a")
    exchange_layers(here, repository_store(reference, here.root), here.folder)
    before = len(registry.requests())
    assert exchange_layers(here, repository_store(reference, here.root), here.folder) == Exchanged(0, 0, 1)
    assert {asked.method for asked in registry.requests(since=before)} <= {"GET", "HEAD"}


def test_the_layers_of_one_image_alone(reference: str, tmp_path: Path) -> None:
    here = FolderStore(tmp_path / "here")
    keys = [add_layer(here, name) for name in ("a", "b", "c")]
    wanted = here.entry(keys[1])
    assert wanted is not None
    store = repository_store(reference, here.root)
    assert exchange_layers(here, store, here.folder, {wanted.layer.digest}).copied == 1
    assert store.keys() == [keys[1]]


def test_a_layer_that_an_earlier_release_made_stays_where_it_is(reference: str, tmp_path: Path) -> None:
    here = FolderStore(tmp_path / "here")
    key = add_layer(here, "a")
    found = here.get(key)
    assert found is not None
    here.put(key, *found)  # without the inputs of its key
    assert here.entry(key) is None
    assert exchange_layers(here, repository_store(reference, here.root), here.folder) == Exchanged(0, 0, 0)


def test_a_layer_that_is_damaged_there_is_not_taken_in(start_registry: Callable[..., Registry], tmp_path: Path) -> None:
    registry = start_registry()
    reference = f"{registry.host}/layers"
    here, there = FolderStore(tmp_path / "here"), FolderStore(tmp_path / "there")
    entry = here.entry(add_layer(here, "a"))
    assert entry is not None
    exchange_layers(here, repository_store(reference, here.root), here.folder)
    [stored] = registry.storage.rglob(f"{entry.layer.digest.encoded}/data")
    stored.write_bytes(b"x" * entry.layer.size)
    with pytest.raises(ContentMismatch) as raised:
        exchange_layers(repository_store(reference, there.root), there, there.folder)
    assert there.keys() == []
    assert notes_of(raised.value) == []


def test_what_was_copied_before_an_error_is_said(
    stub: StubRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = FolderStore(tmp_path / "here"), FolderStore(tmp_path / "there")
    keys = [add_layer(here, name) for name in ("a", "b")]
    monkeypatch.setattr("conda_docker.layers.stores.exchange._AT_ONCE", 1)
    exchange_layers(here, repository_store(f"{stub.host}/layers", here.root), here.folder)
    last = here.entry(max(keys))
    assert last is not None
    stub.blobs["layers", last.layer.digest] = b"x" * last.layer.size
    with pytest.raises(ContentMismatch) as raised:
        exchange_layers(repository_store(f"{stub.host}/layers", there.root), there, there.folder)
    assert there.keys() == [min(keys)]
    assert notes_of(raised.value) == ["1 of 2 layers were copied before that, and stay there"]


def test_a_cache_that_cannot_be_written(reference: str, tmp_path: Path) -> None:
    here, there = FolderStore(tmp_path / "here"), FolderStore(tmp_path / "there")
    add_layer(here, "a")
    exchange_layers(here, repository_store(reference, here.root), here.folder)
    there.root.mkdir()
    (there.root / NoteKind.LAYERS).touch()
    with pytest.raises(CacheError):
        exchange_layers(repository_store(reference, there.root), there, there.folder)


def test_a_layer_that_the_repository_has_lost_is_copied_again(
    start_registry: Callable[..., Registry], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    registry = start_registry()
    reference = f"{registry.host}/layers"
    here = FolderStore(tmp_path / "here")
    lost, *_ = [here.entry(add_layer(here, name)) for name in ("a", "b")]
    assert lost is not None
    exchange_layers(here, repository_store(reference, here.root), here.folder)
    [stored] = registry.storage.rglob(f"{lost.layer.digest.encoded}/data")
    stored.unlink()
    done = exchange_layers(here, repository_store(reference, here.root), here.folder)
    assert (done.copied, done.present) == (1, 1)
    assert stored.exists()
    assert "the layer of a there is replaced" in caplog.text


def test_an_entry_with_a_false_diff_id_is_not_taken_in_and_is_replaced_by_a_push(
    reference: str, tmp_path: Path
) -> None:
    here, there = FolderStore(tmp_path / "here"), FolderStore(tmp_path / "there")
    entry = here.entry(add_layer(here, "a"))
    assert entry is not None
    [key] = here.keys()
    false = Layer(entry.layer.blob, Digest.of(b"another"))
    repository_store(reference, here.root).put(key, false, entry.facts, entry.inputs)
    with pytest.raises(ContentMismatch, match="the layer of a is not copied"):
        exchange_layers(repository_store(reference, there.root), there, there.folder)
    assert there.keys() == []
    assert exchange_layers(here, repository_store(reference, here.root), here.folder).copied == 1
    assert exchange_layers(repository_store(reference, there.root), there, there.folder).copied == 1
    taken = there.entry(key)
    assert taken is not None
    assert taken.layer.diff_id == entry.layer.diff_id
