"""How much a layer repository holds, and what goes when nobody has used it for long."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from conda_docker.layers.stores import artifact as artifact_module
from conda_docker.layers.stores import repository as repository_module
from conda_docker.layers.stores.artifact import USED
from conda_docker.layers.stores.folder import FolderStore
from conda_docker.layers.stores.repository import RepositoryStore
from conda_docker.layers.stores.repository_upkeep import prune_repository, repository_info
from python_docker.errors import Error
from python_docker.image import Image
from python_docker.spec.media_types import OCI_MANIFEST
from python_docker.transports import open_image, write_image
from tests.conda_docker.layers.stores.shelves import add_layer, keep_environment, repository_store
from tests.peers import Registry
from tests.python_docker.registry.stub_registry import StubRegistry, refusal, sha256
from tests.python_docker.registry.stub_server import Answer, Asked

DAY = 86400.0


@pytest.fixture
def here(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "here")


@pytest.fixture
def store(registry: Registry, repository: str, here: FolderStore) -> RepositoryStore:
    return repository_store(f"{registry.host}/{repository}", here.root)


@pytest.fixture
def long_ago(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function that ends a time in which it is the year 2020."""
    for module in (artifact_module, repository_module):
        monkeypatch.setattr(module, "today", lambda: "2020-01-01")
    return monkeypatch.undo


def test_what_it_holds(store: RepositoryStore, here: FolderStore) -> None:
    keys = [add_layer(here, name) for name in "ab"]
    keep_environment(store, here, *keys)
    held = repository_info(store)
    assert (held.layers, held.environments) == (2, 1)
    assert held.layers_size > 0


def test_what_was_not_used_for_long_goes(
    store: RepositoryStore, here: FolderStore, long_ago: Callable[[], None]
) -> None:
    old, new = [add_layer(here, name) for name in "ab"]
    keep_environment(store, here, old)
    long_ago()
    keep_environment(store, here, new)
    assert prune_repository(store, 30 * DAY, dry_run=True).removed == 2
    assert len(store.keys()) == 2
    pruned = prune_repository(store, 30 * DAY)
    assert (pruned.removed, pruned.left) == (2, 2)
    assert pruned.freed > 0
    assert store.keys() == [new]


def test_a_layer_of_an_environment_in_use_stays(
    store: RepositoryStore, here: FolderStore, long_ago: Callable[[], None]
) -> None:
    key = add_layer(here, "a")
    keep_environment(store, here, key)
    long_ago()
    keep_environment(store, here, key)  # which a later build does
    pruned = prune_repository(store, 30 * DAY)
    assert (pruned.removed, pruned.left, pruned.freed) == (0, 2, 0)
    assert store.keys() == [key]


def test_what_others_keep_there_is_left_alone(
    store: RepositoryStore, here: FolderStore, long_ago: Callable[[], None]
) -> None:
    image = Image()
    image.add_layer_contents({"a": b"a"})
    write_image(image, f"docker://{store.name}:app")
    keep_environment(store, here, add_layer(here, "a"))
    long_ago()
    assert prune_repository(store, 30 * DAY).removed == 2
    assert open_image(f"docker://{store.name}:app").digest == image.digest


def test_what_somebody_else_removes_meanwhile_is_no_error(
    stub: StubRegistry, here: FolderStore, long_ago: Callable[[], None]
) -> None:
    store = repository_store(f"{stub.host}/layers", here.root)
    keys = [add_layer(here, name) for name in "ab"]
    keep_environment(store, here, *keys)
    long_ago()

    def vanish(asked: Asked) -> Answer | None:
        if asked.method == "GET" and asked.path.endswith(f"/{keys[0]}"):
            return refusal(404, "MANIFEST_UNKNOWN")
        return refusal(404, "MANIFEST_UNKNOWN") if asked.method == "DELETE" else None

    stub.hook = vanish
    pruned = prune_repository(store, 30 * DAY)
    assert (pruned.removed, pruned.left) == (2, 0)


def test_an_entry_of_an_environment_that_cannot_be_read_keeps_no_layers(
    stub: StubRegistry, here: FolderStore, caplog: pytest.LogCaptureFixture, long_ago: Callable[[], None]
) -> None:
    store = repository_store(f"{stub.host}/layers", here.root)
    keep_environment(store, here, add_layer(here, "a"))
    long_ago()
    [plan] = [tag for _, tag in stub.manifests if tag.startswith("plan-")]
    value = json.loads(stub.manifests["layers", plan][1])
    value["config"] |= {"digest": sha256(b"[]"), "size": 2, "data": base64.b64encode(b"[]").decode()}
    value["annotations"] = {USED: artifact_module.today()}
    stub.manifests["layers", plan] = (OCI_MANIFEST, json.dumps(value).encode())
    assert prune_repository(store, 30 * DAY, dry_run=True).left == 1
    assert "the entry of an environment cannot be read" in caplog.text


def test_a_registry_that_deletes_nothing_says_so(
    start_registry: Callable[..., Registry], here: FolderStore, long_ago: Callable[[], None]
) -> None:
    store = repository_store(f"{start_registry(delete=False).host}/layers", here.root)
    keep_environment(store, here, add_layer(here, "a"))
    long_ago()
    with pytest.raises(Error, match=r"cannot be removed: .*405.*settings"):
        prune_repository(store, 30 * DAY)
    assert len(store.keys()) == 1
