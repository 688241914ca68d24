"""What is kept of an environment as a whole: the entries of all its layers, by their keys, and notes on its packages.

The same document is the config of an environment's entry in a layer repository, and what is attached to an image.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from conda_docker.layers.facts import LayerFacts
from conda_docker.layers.recipe import digest_of
from conda_docker.layers.stores import Entry
from python_docker.image.blob import Blob
from python_docker.image.layer import Layer
from python_docker.spec.digest import Digest
from python_docker.spec.documents.descriptor import Descriptor

BlobOf = Callable[[Descriptor], Blob]
"""Gives the blob of a descriptor, unread."""
NO_ENTRY = "it is not an entry of conda-docker"


def environment_document(entries: Mapping[str, Entry], notes: Mapping[str, str]) -> bytes:
    """Return the document of an environment, the same for the same layers."""
    layers = {
        key: {
            "inputs": entry.inputs,
            "layer": entry.layer.descriptor.to_json(),
            "diffId": entry.layer.diff_id,
            "facts": entry.facts.to_json(),
        }
        for key, entry in sorted(entries.items())
    }
    return json.dumps({"layers": layers, "notes": dict(sorted(notes.items()))}).encode()


def notes_in(value: Any) -> dict[str, str]:
    """Return the notes in a document. Raises `KeyError`, `TypeError` or `AttributeError` for what is none."""
    return {str(key): str(text) for key, text in value["notes"].items()}


def entries_in(value: Any, blob_of: BlobOf) -> Iterator[tuple[str, Entry | ValueError]]:
    """Yield each key in a document with its entry, or with what is wrong with that.

    Raises `KeyError`, `TypeError` or `AttributeError` for what is not such a document.
    """
    for key, entry in value["layers"].items():
        try:
            layers = [Descriptor.from_json(entry["layer"])]
        except (KeyError, TypeError, AttributeError, ValueError):
            yield key, ValueError(NO_ENTRY)
            continue
        try:
            yield key, read_entry(key, layers, entry, blob_of)
        except ValueError as error:
            yield key, error


def read_entry(key: str, layers: Sequence[Descriptor], value: Any, blob_of: BlobOf) -> Entry:
    """Return what is said of the one layer of a key. Raises `ValueError` for an entry of another recipe, or for none.

    The key is computed again from all its inputs, so that an entry cannot stand for another recipe than its own.
    """
    try:
        own = digest_of(value["inputs"])
        [descriptor] = layers
        layer = Layer(blob_of(descriptor), Digest(value["diffId"]))
        entry = Entry(value["inputs"], layer, LayerFacts.from_json(value["facts"]))
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise ValueError(NO_ENTRY) from error
    if own != key:
        raise ValueError("it is of another recipe")
    return entry
