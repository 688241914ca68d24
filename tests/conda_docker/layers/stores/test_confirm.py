"""What an entry says of a layer is checked before an image names it, and read once for that."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.layers.facts import LayerFacts
from conda_docker.layers.stores import Entry
from conda_docker.layers.stores.confirm import check_diff_id, confirm, differences
from conda_docker.layers.stores.folder import FolderStore
from python_docker.errors import ContentMismatch
from python_docker.image.layer import Layer
from python_docker.spec.digest import Digest
from tests.conda_docker.layers.stores.shelves import add_layer

FALSE = Digest.of(b"another")


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


@pytest.fixture
def layer(store: FolderStore) -> Layer:
    found = store.get(add_layer(store, "a"))
    assert found is not None
    return found[0]


def test_a_false_diff_id_is_found_by_reading(store: FolderStore, layer: Layer) -> None:
    false = Layer(layer.blob, FALSE)
    confirm(false, store, store.folder, read=False)
    with pytest.raises(ContentMismatch, match="the tar of layer"):
        confirm(false, store, store.folder, read=True)


def test_a_layer_is_read_once(store: FolderStore, layer: Layer) -> None:
    confirm(layer, store, store.folder, read=True)
    store.blobs.path_of(layer.digest).unlink()
    check_diff_id(layer, store.folder)
    with pytest.raises(ContentMismatch, match=f"instead of {FALSE}"):
        confirm(Layer(layer.blob, FALSE), store, store.folder, read=False)


def test_what_differs_is_named(layer: Layer) -> None:
    made = Entry({}, layer, LayerFacts())
    assert differences(made, made) == ""
    false = made._replace(layer=Layer(layer.blob, FALSE))
    assert differences(false, made) == f"the diff ID {FALSE} instead of {layer.diff_id}"
    assert differences(made._replace(facts=LayerFacts(programs=True)), made) == "other facts (programs)"
