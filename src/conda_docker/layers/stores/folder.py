"""FolderStore: the layers in the cache folder of this machine."""

from __future__ import annotations

import json
import os
import threading
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from conda_docker.cache.folder import CacheFolder, NoteKind
from conda_docker.layers.facts import LayerFacts
from conda_docker.layers.stores import Entry
from python_docker.image.blob import Blob
from python_docker.image.blob_store import BlobStore
from python_docker.image.layer import Layer
from python_docker.spec.digest import Digest
from python_docker.spec.documents.descriptor import Descriptor


class FolderStore:
    """A blob for each layer, and a note for each key, in a cache folder.

    Safe for any number of builds at once, and against being killed: entries appear whole or not at all. An entry whose
    note is damaged, or whose blob is missing, counts as absent. A blob is hashed before its bytes go anywhere, and not
    before: what a registry has already is not even read. Its note has a checksum of what was written, so that this
    costs a tenth of its digest.

    With `facts_alone`, an entry counts although its blob is missing: it is made again when it is read.
    """

    def __init__(self, root: Path, *, facts_alone: bool = False) -> None:
        self.folder = CacheFolder(root)
        self._facts_alone = facts_alone
        self._holding = False
        self._lock = threading.Lock()

    @property
    def root(self) -> Path:
        """The cache folder."""
        return self.folder.root

    @property
    def blobs(self) -> BlobStore:
        """Where the layers are written to."""
        return self.folder.blobs

    def get(self, key: str) -> tuple[Layer, LayerFacts] | None:
        """Return the layer of a key, and what was found while it was made; None when it is not there, or damaged."""
        self.hold()
        note = self.folder.read_note(NoteKind.LAYERS, key)
        if note is None:
            return None
        try:
            entry = json.loads(note)
            descriptor = Descriptor.new(entry["mediaType"], Digest(entry["digest"]), int(entry["size"]))
            diff_id, facts = Digest(entry["diffId"]), LayerFacts.from_json(entry["facts"])
            checksum = None if entry.get("checksum") is None else str(entry["checksum"])
        except (ValueError, KeyError, TypeError):
            return None
        if not self._facts_alone and not self.blobs.contains(descriptor):
            return None
        return Layer(Blob.stored(self.blobs.path_of(descriptor.digest), descriptor, checksum=checksum), diff_id), facts

    def entry(self, key: str) -> Entry | None:
        """Return a layer with all inputs of its key; None also for one that an earlier release kept without them."""
        found = self.get(key)
        note = None if found is None else self.folder.read_note(NoteKind.LAYERS, key)
        inputs = None if note is None else json.loads(note).get("inputs")
        return None if found is None or inputs is None else Entry(inputs, *found)

    def holds(self, key: str, entry: Entry) -> bool:
        """Return whether there is a layer of that key: what was made here counts more than what others have."""
        return self.entry(key) is not None

    def keys(self) -> list[str]:
        """Return the keys of all layers."""
        return sorted(self.folder.note_keys(NoteKind.LAYERS))

    def expect(self, keys: Sequence[str]) -> None:
        """Do nothing: what is on this machine is looked up in no time."""

    def confirm(self, layer: Layer) -> None:
        """Do nothing: `get` has looked at the size."""

    def drop(self, key: str, layer: Layer) -> None:
        """Do nothing: what was made or checked on this machine is made again where it turns out to be damaged."""

    def note(self, key: str) -> str | None:
        """Return None: notes of this machine are in the cache by themselves."""
        return None

    def keep_plan(self, keys: Sequence[str], entries: Mapping[str, Entry], notes: Mapping[str, str]) -> None:
        """Do nothing: an environment needs no entry of its own here."""

    def put(self, key: str, layer: Layer, facts: LayerFacts, inputs: Mapping[str, Any] | None = None) -> Layer:
        """Keep an entry for a layer whose blob is in `blobs`. Raises `CacheError` when it cannot be written."""
        entry = {
            "mediaType": layer.descriptor.media_type,
            "digest": layer.digest,
            "size": layer.size,
            "diffId": layer.diff_id,
            "facts": facts.to_json(),
            "checksum": None if layer.blob.file is None else layer.blob.file.checksum,
            "inputs": inputs,
        }
        self.folder.write_note(NoteKind.LAYERS, key, json.dumps(entry, separators=(",", ":")).encode())
        self.hold()
        return layer

    def hold(self) -> None:
        """Keep what was used from being removed, for as long as there is this store."""
        with self._lock:
            number = None if self._holding else self.folder.hold()
            if number is not None:
                self._holding = True
                weakref.finalize(self, os.close, number)
