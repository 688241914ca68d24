"""RepositoryStore: layers kept in a repository of a registry, for every machine that may read it.

Each layer is an OCI artifact under a tag that is its key: the config holds what was found while the layer was made,
and all inputs of the key, the one layer is the layer. An entry for a whole environment spares the look-ups of its
layers. A push to the same registry mounts the layers; nothing of them is downloaded unless it must be read.

Whoever may write to the repository can put anything into images that are made from it: see the documentation, "Layer
repositories". What is checked is that an entry is of the recipe that was asked for, and every digest.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conda_docker.layers.facts import LayerFacts
from conda_docker.layers.stores import Entry
from conda_docker.layers.stores.artifact import (
    LAYER_TYPE,
    PLAN_TYPE,
    plan_tag,
    today,
    used_on,
)
from conda_docker.layers.stores.confirm import differences
from conda_docker.layers.stores.environment_entry import (
    NO_ENTRY,
    entries_in,
    environment_document,
    notes_in,
    read_entry,
)
from conda_docker.layers.stores.repository_reader import RepositoryReader
from conda_docker.layers.stores.repository_writer import RepositoryWriter
from python_docker.errors import ContentMismatch, NotFound
from python_docker.image.layer import Layer
from python_docker.parallel import Stop, Threads
from python_docker.progress import SILENT, Progress
from python_docker.registry.access.options import RegistryOptions
from python_docker.registry.client import RegistryClient
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.manifest import Manifest
from python_docker.spec.reference import ImageReference

if TYPE_CHECKING:
    from conda_docker.arguments.layer_repository import LayerRepository
    from conda_docker.cache.folder import CacheFolder
    from python_docker.registry.destination import RegistryDestination
    from python_docker.spec.digest import Digest

_AT_ONCE = 8
_KEY = re.compile(r"[0-9a-f]{64}")


class RepositoryStore:
    """A store of layers in a repository. What cannot be read there counts as absent, with a warning.

    A repository that does not answer is not waited for as long as others are, and not asked any more: a layer can be
    made. A layer that was found there, and is read after that, is refused with `OutOfReach`.
    """

    def __init__(
        self,
        client: RegistryClient,
        path: str,
        cache: CacheFolder,
        progress: Progress = SILENT,
        stop: Stop | None = None,
        *,
        must_keep: bool = False,
    ) -> None:
        self.name = f"{client.domain}/{path}"
        self.client = client
        self.path = path
        self._cache = cache
        stop = stop or Stop()
        self._known: dict[str, Entry | None] = {}
        self._learned: dict[str, Entry] = {}
        self._dropped: dict[str, list[tuple[Digest, Digest, int]]] = {}
        self._notes: dict[str, str] = {}
        self._plans: dict[str, Manifest | None] = {}
        # Where layers are copied, as by `cache pull`, none can be made: it is as patient as all else.
        self._reader = RepositoryReader(client, path, cache, progress, stop, hasty=not must_keep)
        self._writer = RepositoryWriter(client, path, progress, stop, self._reader.warn, must_keep=must_keep)
        self._lock = threading.Lock()

    @classmethod
    def open(
        cls,
        repository: LayerRepository,
        cache: CacheFolder,
        progress: Progress = SILENT,
        stop: Stop | None = None,
        *,
        must_keep: bool = False,
    ) -> RepositoryStore:
        """Return the store in a repository. Raises `InvalidReference` for what is not the name of one.

        `progress` hears of layers that are sent there, which ends when `stop` is set. A registry that takes blobs and
        refuses their entries, as at a limit of tags, keeps nothing more, with a warning, or with an error where it
        `must_keep` what it is given.
        """
        options = repository.options or RegistryOptions.from_environment()
        reference = ImageReference.parse(repository.reference, default_domain=options.default_domain)
        client = RegistryClient(options.address_of(reference.domain), options)
        return cls(client, reference.path, cache, progress, stop, must_keep=must_keep)

    @property
    def destination(self) -> RegistryDestination:
        """The repository as a place to write to, whose connections serve others of its registry."""
        return self._writer.destination

    @property
    def out_of_reach(self) -> bool:
        """Whether the repository could not be read, so that it counts as empty."""
        return self._reader.out_of_reach

    def expect(self, keys: Sequence[str]) -> None:
        """Look up all layers of an environment at once: by one request where it is known as a whole."""
        wanted = [key for key in keys if key not in self._known]
        if not wanted:
            return
        self._read_plan(keys)
        missing = [key for key in wanted if key not in self._known and key not in self._learned]
        if not missing:
            return
        with Threads(_AT_ONCE, thread_name_prefix="look-up") as pool:
            list(pool.map(self.get, missing))

    def get(self, key: str) -> tuple[Layer, LayerFacts] | None:
        """Return the layer of a key and what was found while it was made; None when it is not there, or not right."""
        found = self.entry(key)
        return None if found is None else (found.layer, found.facts)

    def entry(self, key: str) -> Entry | None:
        """Return a layer with all inputs of its key; None when it is not there, or not right."""
        if key not in self._known:
            found = self._learned.get(key) or self._asked(key)
            if found is not None and _said_of(found.layer) in self._dropped.get(key, ()):
                found = None
            with self._lock:
                self._known[key] = found
        return self._known[key]

    def _asked(self, key: str) -> Entry | None:
        entry = self._content(key, self._reader.manifest(key, LAYER_TYPE))
        return None if entry is None else self._entry(key, *entry)

    def confirm(self, layer: Layer) -> None:
        """Ask whether a layer is there in the size that its entry says.

        Raises `NotFound`, `ContentMismatch`, and `OutOfReach` where the repository cannot be asked.
        """
        self._reader.confirm(layer.descriptor)

    def drop(self, key: str, layer: Layer) -> None:
        """Give the layer no more: the entry of an environment may be wrong, and the layer's own be right."""
        with self._lock:
            self._dropped.setdefault(key, []).append(_said_of(layer))
            self._known.pop(key, None)
            self._learned.pop(key, None)

    def holds(self, key: str, entry: Entry) -> bool:
        """Return whether that very layer is there; the repository is asked for its blob, too.

        An entry that says something else, or of a layer whose blob is gone, is dropped with a warning.
        """
        found = self.entry(key)
        if found is None:
            return False
        try:
            if different := differences(found, entry):
                raise ContentMismatch(f"it has {different}")
            self.confirm(found.layer)
        except (NotFound, ContentMismatch) as error:
            name = next(iter(found.facts.packages), key[:12])
            self._reader.warn(f"the layer of {name} there is replaced: {error}")
            self.drop(key, found.layer)
            return False
        return True

    def keys(self) -> list[str]:
        """Return the keys of all layers. Raises `RegistryError` where the registry does not list its tags."""
        return sorted(tag for page in self.client.tags(self.path) for tag in page if _KEY.fullmatch(tag))

    def note(self, key: str) -> str | None:
        """Return a note that an environment's entry had."""
        return self._notes.get(key)

    def put(self, key: str, layer: Layer, facts: LayerFacts, inputs: Mapping[str, Any]) -> Layer:
        """Keep a layer under its key unless it is there, and return it as the repository has it, if it does.

        A layer that is not from there may be missing in spite of its entry: the repository is asked for it, too.
        Raises `RegistryError` when it cannot be kept.
        """
        entry = Entry(inputs, layer, facts)
        if self.get(key) is not None and (layer.blob.origin == self.name or self.holds(key, entry)):
            return self._located(layer)
        if self._writer.is_full:
            return layer
        self._writer.put_layer(layer.blob, next(iter(facts.packages), layer.digest.short))
        self._reader.note_present(layer.descriptor)
        config = json.dumps({"inputs": inputs, "diffId": layer.diff_id, "facts": facts.to_json()}).encode()
        if not self._writer.put_entry(key, LAYER_TYPE, config, [layer.descriptor]):
            return layer
        with self._lock:
            self._known[key] = entry
        return self._located(layer)

    def learn(self, key: str, layer: Descriptor, diff_id: Digest, facts: LayerFacts, inputs: Mapping[str, Any]) -> None:
        """Hear of an entry that another process has put there, so that it need not be asked for."""
        self._reader.note_present(layer)
        with self._lock:
            if self._known.get(key) is None:
                self._known.pop(key, None)
                self._learned[key] = Entry(inputs, Layer(self._reader.blob(layer), diff_id), facts)

    def keep_plan(self, keys: Sequence[str], entries: Mapping[str, Entry], notes: Mapping[str, str]) -> None:
        """Keep an entry for a whole environment, whose layers are there. Raises `RegistryError`."""
        tag = plan_tag(keys)
        config = environment_document(entries, notes)
        if self._writer.is_full:
            return
        known = self._plans[tag] if tag in self._plans else self._reader.manifest(tag, PLAN_TYPE)
        if known is None or used_on(known) != today() or not self._dropped.keys().isdisjoint(entries):
            blobs = {entry.layer.digest: entry.layer.descriptor for entry in entries.values()}
            self._writer.put_entry(tag, PLAN_TYPE, config, blobs.values(), is_new=known is None)

    def close(self) -> None:
        """Close idle connections."""
        self.client.close()
        self._reader.close()

    # -- reading ---------------------------------------------------------------------------------------------------

    def _read_plan(self, keys: Sequence[str]) -> None:
        tag = plan_tag(keys)
        self._plans[tag] = self._reader.manifest(tag, PLAN_TYPE)
        found = self._content(tag, self._plans[tag])
        if found is None:
            return
        layers, value = found
        try:
            listed = {descriptor.digest: descriptor.size for descriptor in layers}
            for key, entry in entries_in(value, self._reader.blob):
                if isinstance(entry, Entry) and listed.get(entry.layer.digest) != entry.layer.size:
                    # The registry has seen the list alone.
                    entry = ValueError("it says something else of its layer than the manifest that it is in")  # noqa: PLW2901
                if key not in self._dropped:
                    self._known[key] = self._usable(key, entry)
            self._notes |= notes_in(value)
        except (KeyError, TypeError, AttributeError, RecursionError):
            self._reader.warn(f"the entry of an environment cannot be used: {NO_ENTRY}")

    def _entry(self, key: str, layers: Sequence[Descriptor], value: Any) -> Entry | None:
        """Return what an entry says, if it is of the recipe that was asked for."""
        try:
            return self._usable(key, read_entry(key, layers, value, self._reader.blob))
        except ValueError as error:
            return self._usable(key, error)

    def _usable(self, key: str, entry: Entry | ValueError) -> Entry | None:
        if isinstance(entry, Entry):
            self._reader.name_blob(entry.layer.digest, next(iter(entry.facts.packages), ""))
            return entry
        self._reader.warn(f"the entry {key[:12]}... cannot be used: {entry}")
        return None

    def _content(self, tag: str, manifest: Manifest | None) -> tuple[Sequence[Descriptor], Any] | None:
        """Return the layers and the config of an artifact; None when there is none, or it cannot be read."""
        config = None if manifest is None else self._reader.config_of(tag, manifest)
        return None if manifest is None or config is None else (manifest.layers, config)

    def config(self, manifest: Manifest) -> Any:
        """Return the config of an entry; see `RepositoryReader.config`."""
        return self._reader.config(manifest)

    # -- writing ---------------------------------------------------------------------------------------------------

    def _located(self, layer: Layer) -> Layer:
        """Return the layer as one that this repository has, so that a push to the same registry mounts it."""
        return Layer(replace(layer.blob, origin=self.name), layer.diff_id, history=layer.history)


def _said_of(layer: Layer) -> tuple[Digest, Digest, int]:
    """Return what an entry says of a layer, by which two can be told apart."""
    return layer.digest, layer.diff_id, layer.size
