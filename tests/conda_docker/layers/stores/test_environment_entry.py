"""The document of an environment: all that is known of its layers, read back as it was written."""

from __future__ import annotations

import json

import pytest

from conda_docker.layers.facts import LayerFacts
from conda_docker.layers.recipe import digest_of
from conda_docker.layers.stores import Entry
from conda_docker.layers.stores.environment_entry import (
    NO_ENTRY,
    entries_in,
    environment_document,
    notes_in,
    read_entry,
)
from python_docker.image.blob import Blob
from python_docker.image.layer import Layer
from python_docker.spec.digest import Digest
from python_docker.spec.documents.descriptor import Descriptor

INPUTS = {"packages": ["a"], "prefix": "/opt/conda"}
KEY = digest_of(INPUTS)
BLOB = Blob.from_bytes(b"layer", "application/vnd.oci.image.layer.v1.tar+gzip")
ENTRY = Entry(INPUTS, Layer(BLOB, Digest.of(b"tar")), LayerFacts(packages=("a-1-0",), paths=frozenset({1, 2**63})))


def blob_of(descriptor: Descriptor) -> Blob:
    assert descriptor == BLOB.descriptor
    return BLOB


def test_what_was_written_is_read() -> None:
    value = json.loads(environment_document({KEY: ENTRY}, {"x": "note"}))
    [(key, entry)] = entries_in(value, blob_of)
    assert isinstance(entry, Entry)
    assert (key, entry.inputs, entry.facts) == (KEY, INPUTS, ENTRY.facts)
    assert (entry.layer.digest, entry.layer.diff_id) == (ENTRY.layer.digest, ENTRY.layer.diff_id)
    assert notes_in(value) == {"x": "note"}


def test_the_order_of_entries_changes_nothing() -> None:
    one, other = {"a": ENTRY, "b": ENTRY}, {"b": ENTRY, "a": ENTRY}
    assert environment_document(one, {}) == environment_document(other, {})


def test_an_entry_of_another_recipe() -> None:
    value = json.loads(environment_document({"0" * 64: ENTRY}, {}))
    [(key, error)] = entries_in(value, blob_of)
    assert (key, str(error)) == ("0" * 64, "it is of another recipe")


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"inputs": INPUTS},
        {"inputs": INPUTS, "diffId": "x", "facts": {}},
        {"inputs": INPUTS, "diffId": str(Digest.of(b"")), "facts": {"variables": [1]}},
    ],
)
def test_what_is_not_an_entry(value: object) -> None:
    with pytest.raises(ValueError, match=NO_ENTRY):
        read_entry(KEY, [BLOB.descriptor], value, blob_of)


def test_an_entry_has_one_layer() -> None:
    value = json.loads(environment_document({KEY: ENTRY}, {}))["layers"][KEY]
    with pytest.raises(ValueError, match=NO_ENTRY):
        read_entry(KEY, [BLOB.descriptor] * 2, value, blob_of)
