"""Entries and layers that are read from a layer repository."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from conda_docker.arguments.layer_repository import LayerRepository
from conda_docker.cache.folder import CacheFolder
from conda_docker.errors import OutOfReach
from conda_docker.layers.stores.exchange import exchange_layers
from conda_docker.layers.stores.folder import FolderStore
from conda_docker.layers.stores.repository import RepositoryStore
from python_docker.registry.access.options import RegistryOptions
from tests.conda_docker.layers.stores.shelves import add_layer, repository_store
from tests.python_docker.registry.stub_registry import StubRegistry
from tests.python_docker.registry.stub_server import Answer, Asked

KEY = 64 * "a"


@pytest.mark.parametrize(("must_keep", "tries"), [(False, 3), (True, 6)])
def test_a_layer_that_can_be_made_is_tried_less_often(
    stub: StubRegistry, tmp_path: Path, must_keep: bool, tries: int
) -> None:
    stub.hook = lambda asked: Answer(503) if asked.path != "/v2/" else None
    repository = LayerRepository(f"{stub.host}/layers", RegistryOptions(backoff=0.001))
    store = RepositoryStore.open(repository, CacheFolder(tmp_path), must_keep=must_keep)
    assert store.get(KEY) is None
    assert len(stub.asked("GET", "/manifests/")) == tries


def test_a_layer_that_is_there_is_asked_for_once_in_a_while(
    stub: StubRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = FolderStore(tmp_path / "here")
    key = add_layer(here, "numpy")
    exchange_layers(here, repository_store(f"{stub.host}/layers", here.root), here.folder)
    store = repository_store(f"{stub.host}/layers", tmp_path / "there")
    found = store.get(key)
    assert found is not None
    before = len(stub.asked("HEAD", "/blobs/"))
    for _ in range(3):
        store.confirm(found[0])
    assert len(stub.asked("HEAD", "/blobs/")) == before + 1
    monkeypatch.setattr("conda_docker.layers.stores.repository_reader._CONFIRMED", 0.0)
    store.confirm(found[0])
    assert len(stub.asked("HEAD", "/blobs/")) == before + 2


def test_a_layer_that_is_fetched_is_shown_by_name(stub: StubRegistry, tmp_path: Path) -> None:
    here = FolderStore(tmp_path / "here")
    key = add_layer(here, "numpy")
    exchange_layers(here, repository_store(f"{stub.host}/layers", here.root), here.folder)
    told = Told()
    store = RepositoryStore.open(LayerRepository(f"{stub.host}/layers"), CacheFolder(tmp_path / "there"), told)
    found = store.get(key)
    assert found is not None
    found[0].blob.open().close()
    assert told.lines == [f"get numpy: {found[0].size}", f"{found[0].size}", "done "]


def test_a_repository_that_fails_is_not_asked_for_another_layer(stub: StubRegistry, tmp_path: Path) -> None:
    here = FolderStore(tmp_path / "here")
    key = add_layer(here, "numpy")
    exchange_layers(here, repository_store(f"{stub.host}/layers", here.root), here.folder)
    store = RepositoryStore.open(
        LayerRepository(f"{stub.host}/layers", RegistryOptions(backoff=0.001)), CacheFolder(tmp_path / "there")
    )
    found = store.get(key)
    assert found is not None
    stub.hook = lambda asked: Answer(503)
    with pytest.raises(OutOfReach, match="cannot be read"):
        store.confirm(found[0])
    stub.hook = lambda asked: None
    with pytest.raises(OutOfReach, match="will not be asked again"):
        store.confirm(found[0])


def test_a_layer_that_does_not_come_is_said_to_be_waited_for(
    stub: StubRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = FolderStore(tmp_path / "here")
    key = add_layer(here, "numpy")
    exchange_layers(here, repository_store(f"{stub.host}/layers", here.root), here.folder)
    monkeypatch.setattr("conda_docker.layers.stores.repository_reader._SLOW", 0.05)
    said = threading.Event()
    messages = []

    class Saying(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())
            said.set()

    handler = Saying()
    logging.getLogger("conda_docker").addHandler(handler)

    def wait(asked: Asked) -> Answer | None:
        if asked.method == "GET" and "/blobs/" in asked.path:
            said.wait(120)
        return None

    stub.hook = wait
    found = repository_store(f"{stub.host}/layers", tmp_path / "there").get(key)
    assert found is not None
    found[0].blob.open().close()
    logging.getLogger("conda_docker").removeHandler(handler)
    assert any("has sent nothing of numpy" in message for message in messages)


class Told:
    """Notes what is reported, in order."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def start(self, label: str, total: int | None) -> Told:
        self.lines.append(f"{label}: {total}")
        return self

    def advance(self, size: int) -> None:
        self.lines.append(str(size))

    def finish(self, outcome: str = "") -> None:
        self.lines.append(f"done {outcome}")
