"""What the task of a layer hands on: images need not ask for what was kept a moment ago."""

from __future__ import annotations

import pickle
from pathlib import Path

from conda_docker import BuildOptions
from conda_docker.arguments.layer_repository import LayerRepository
from conda_docker.baking.cluster.layer_done import KeptEntry, LayerDone
from conda_docker.layers.stores.folder import FolderStore
from conda_docker.layers.stores.layer_stores import LayerStores
from tests.conda_docker.layers.stores.shelves import add_layer, keep_environment, repository_store
from tests.peers import Registry


def kept(registry: Registry, repository: str, folder: Path) -> LayerDone:
    """Keep a layer in a repository, and return what its task hands on, as it comes out on another machine."""
    store = FolderStore(folder)
    key = add_layer(store, "python")
    keep_environment(repository_store(f"{registry.host}/{repository}", folder), store, key)
    found = store.entry(key)
    assert found is not None
    entry = KeptEntry(found.layer.descriptor, found.layer.diff_id, found.facts, found.inputs)
    done: LayerDone = pickle.loads(pickle.dumps(LayerDone(key, "python", str(found.layer.digest), entry=entry)))
    return done


def stores_of(registry: Registry, repository: str, folder: Path) -> LayerStores:
    """Return the stores of a machine."""
    layers = LayerRepository(f"{registry.host}/{repository}")
    return LayerStores.of(BuildOptions(cache_dir=folder, cache_from=[layers], cache_to=[layers]))


def test_who_is_told_of_a_layer_need_not_ask_for_it(registry: Registry, repository: str, tmp_path: Path) -> None:
    done = kept(registry, repository, tmp_path / "first")
    stores = stores_of(registry, repository, tmp_path / "second")
    before = len(registry.requests())
    done.tell(stores)
    [layers] = stores.repositories
    found = layers.get(done.key)
    assert found is not None
    assert str(found[0].digest) == done.digest
    layers.confirm(found[0])
    assert len(registry.requests()) == before
    assert found[0].blob.read(1 << 20), "its bytes are had from there all the same"


def test_a_layer_that_is_gone_all_the_same_is_given_no_more(
    registry: Registry, repository: str, tmp_path: Path
) -> None:
    done = kept(registry, repository, tmp_path / "first")
    stores = stores_of(registry, f"{repository}/other", tmp_path / "second")
    done.tell(stores)
    [layers] = stores.repositories
    found = layers.get(done.key)
    assert found is not None
    layers.drop(done.key, found[0])
    assert layers.get(done.key) is None
