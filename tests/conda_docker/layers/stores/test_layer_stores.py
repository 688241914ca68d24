"""The stores that the options of a build name, and which of them a layer is kept in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conda_docker.arguments.layer_repository import LayerRepository
from conda_docker.build_options import BuildOptions
from conda_docker.cache.folder import CacheFolder
from conda_docker.layers.facts import LayerFacts
from conda_docker.layers.stores.folder import FolderStore
from conda_docker.layers.stores.layer_stores import LayerStores
from conda_docker.layers.stores.replaced import ReplacedImages
from python_docker.image.layer import Layer
from python_docker.image.layer_builder import build_layer
from tests.conda_docker.layers.ingredients import Store

READ, KEPT, BOTH = (LayerRepository(f"registry.example.org/{name}") for name in ("read", "kept", "both"))


def opened(tmp_path: Path, **fields: Any) -> LayerStores:
    return LayerStores.of(BuildOptions(cache_dir=tmp_path, **fields))


def names(stores: Any) -> list[str]:
    """What stores are called, the one in the cache folder by its class."""
    return [getattr(store, "name", type(store).__name__).rpartition("/")[2] for store in stores]


def test_the_cache_folder_comes_first(tmp_path: Path) -> None:
    stores = opened(tmp_path, cache_from=[READ, BOTH], cache_to=[BOTH, KEPT])
    assert names(stores.sources) == ["FolderStore", "read", "both"]
    assert names(stores.destinations) == ["FolderStore", "both", "kept"]


def test_a_repository_that_is_named_twice_is_one_store(tmp_path: Path) -> None:
    stores = opened(tmp_path, cache_from=[BOTH, BOTH], cache_to=[BOTH])
    assert stores.sources[1:] == stores.destinations[1:] == stores.repositories
    assert len(stores.repositories) == 1


def test_offline_no_repository_is_looked_in(tmp_path: Path) -> None:
    stores = opened(tmp_path, cache_from=[READ], cache_to=[KEPT], offline=True)
    assert names(stores.sources) == ["FolderStore"]
    assert names(stores.repositories) == ["kept"]


def test_replaced_images_are_a_store(tmp_path: Path) -> None:
    replaced = ReplacedImages([], CacheFolder(tmp_path))
    stores = LayerStores.of(BuildOptions(cache_dir=tmp_path), replaced=replaced)
    assert stores.sources == stores.destinations == (stores.local, replaced)


def test_stores_that_are_not_to_be_read_are_still_written_to(tmp_path: Path) -> None:
    stores = opened(tmp_path, cache_from=[READ], cache_to=[KEPT]).unread()
    assert stores.sources == ()
    assert names(stores.destinations) == ["FolderStore", "kept"]


@pytest.mark.parametrize("elsewhere", [True, False])
def test_whether_layers_are_kept_in_other_places(tmp_path: Path, elsewhere: bool) -> None:
    assert opened(tmp_path, cache_to=[KEPT] if elsewhere else []).keeps_elsewhere is elsewhere


def layer_in(local: FolderStore) -> Layer:
    with build_layer(local.blobs.writer()) as builder:
        pass
    assert builder.layer is not None
    return builder.layer


@pytest.mark.parametrize("known", [True, False])
def test_the_cache_folder_gets_no_entry_of_what_another_store_has(tmp_path: Path, known: bool) -> None:
    local, other = FolderStore(tmp_path), Store()
    stores = LayerStores(local, (), (local, other))
    key = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"  # of no inputs
    layer = layer_in(local)
    assert stores.keep(key, layer, LayerFacts(), {}, known=known) is layer
    assert (local.get(key) is None) is known
    assert key in other.layers


def test_connections_to_repositories_are_closed_once_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path, cache_from=[READ, BOTH], cache_to=[BOTH]) as stores:
        closed: list[str] = []
        for repository in stores.repositories:
            monkeypatch.setattr(repository, "close", lambda name=repository.name: closed.append(name))
    assert closed == [READ.reference, BOTH.reference]


def test_layers_of_other_machines_alone_are_made_anew(tmp_path: Path) -> None:
    with build_layer() as builder:
        pass
    assert builder.layer is not None
    own = builder.layer
    foreign = Layer(replace(own.blob, origin="r.example.org/team/layers"), own.diff_id)
    stores = LayerStores(FolderStore(tmp_path), (), (), verified=1.0)
    assert [stores.is_to_be_verified(layer) for layer in (own, foreign)] == [False, True]
    assert not replace(stores, verified=0.0).is_to_be_verified(foreign)
