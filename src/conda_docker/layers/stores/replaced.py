"""ReplacedImages: the images that a build replaces, as a store of their layers.

Their history names packages and recipes, their manifests the layers. What a build must know besides, such as the paths
by which it settles what several packages bring, is attached to them as a document (see `environment_entry`), so that
the images themselves are as they would be without it.

    replaced image <──refers to── document: key -> recipe, layer, facts
          └── layers ──> reused where the recipe is the one asked for, and are in the repository already

Trust is as with layer repositories: whoever can write to the repository can put anything into what replaces the image.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from conda_docker.cache.kept_blob import kept_blob
from conda_docker.layers.stores import Entry
from conda_docker.layers.stores.environment_entry import entries_in, environment_document, notes_in
from python_docker.copying.referrer import Referrer, read_referrers
from python_docker.errors import Error, NotFound
from python_docker.image.blob import Blob
from python_docker.transports import open_source
from python_docker.transports.medium import ChecksBlobs

if TYPE_CHECKING:
    from conda_docker.cache.folder import CacheFolder
    from conda_docker.layers.facts import LayerFacts
    from python_docker.image.layer import Layer
    from python_docker.registry.access.options import RegistryOptions
    from python_docker.spec.digest import Digest
    from python_docker.spec.documents.descriptor import Descriptor
    from python_docker.transports import Location
    from python_docker.transports.medium import Source

ENVIRONMENT_TYPE = "application/vnd.conda-docker.plan.v1+json"
"""The type of the document that is attached to an image, which may hold environments for several platforms."""

_log = logging.getLogger("conda_docker")


def replaceable(locations: Iterable[Location]) -> list[Location]:
    """Return the places whose images can be reused when they are replaced.

    An archive is written anew as a whole, and what it held is gone before its successor is complete.
    """
    return [place for place in locations if place.medium.holds_referrers and not place.medium.is_file]


class ReplacedImages:
    """A store of the layers of the images at some places, which also keeps what is to be attached to their successor.

    A place without an image, or with one that has no such document, counts as empty; one that cannot be read, too,
    with a warning.
    """

    def __init__(
        self,
        locations: Iterable[Location],
        cache: CacheFolder,
        registry: Callable[[Location], RegistryOptions | None] = lambda _: None,
    ) -> None:
        """Begin to read what is attached to the images, on threads of their own."""
        self._cache = cache
        self._registry = registry
        self._entries: dict[str, Entry] = {}
        self._sources: dict[Digest, Source] = {}
        self._notes: dict[str, str] = {}
        self._kept: dict[str, Entry] = {}
        self._kept_notes: dict[str, str] = {}
        self._reading: list[Future[None]] = []
        self._lock = threading.Lock()
        for location in locations:
            done: Future[None] = Future()
            self._reading.append(done)
            # Nobody who is interrupted waits for a registry that says nothing.
            threading.Thread(target=self._read, args=[location, done], daemon=True).start()

    def expect(self, keys: Sequence[str]) -> None:
        """Wait until all places are read."""
        for done in self._reading:
            done.result()

    def get(self, key: str) -> tuple[Layer, LayerFacts] | None:
        """Return the layer of a key, and what was found while it was made; None when no image has it."""
        found = self._entries.get(key)
        return None if found is None else (found.layer, found.facts)

    def confirm(self, layer: Layer) -> None:
        """Ask the registry whether it has the layer in the size that was said; a folder was looked at before.

        Raises `NotFound`, `ContentMismatch`, `RegistryError`.
        """
        source = self._sources.get(layer.digest)
        if isinstance(source, ChecksBlobs):
            source.check_blob(layer.descriptor)

    def drop(self, key: str, layer: Layer) -> None:
        """Give the layer no more."""
        with self._lock:
            self._entries.pop(key, None)

    def note(self, key: str) -> str | None:
        """Return a note about packages that was kept with an image."""
        return self._notes.get(key)

    def put(self, key: str, layer: Layer, facts: LayerFacts, inputs: Mapping[str, Any]) -> Layer:
        """Return the layer as it is: it goes where the image goes."""
        return layer

    def keep_plan(self, keys: Sequence[str], entries: Mapping[str, Entry], notes: Mapping[str, str]) -> None:
        """Have what replaces the images know the layers of an environment."""
        self._kept |= entries
        self._kept_notes |= notes

    def referrer(self) -> Referrer | None:
        """Return what is to be attached to the image, or the index of images, that was built; None for nothing."""
        if not self._kept:
            return None
        return Referrer(ENVIRONMENT_TYPE, environment_document(self._kept, self._kept_notes))

    def _read(self, location: Location, done: Future[None]) -> None:
        try:
            source = open_source(location, registry=self._registry(location))
            try:
                for document in read_referrers(source, source.root().digest, ENVIRONMENT_TYPE):
                    self._take(location, source, json.loads(document))
            finally:
                source.close()
        except NotFound:
            pass
        except (Error, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            _log.warning("the layers of %s are not reused: %s", location, error)
        except BaseException as error:
            done.set_exception(error)
            return
        done.set_result(None)

    def _take(self, location: Location, source: Source, value: Any) -> None:
        def blob_of(descriptor: Descriptor) -> Blob:
            """Return a layer, which may not be there: one that lost a path is known, and no image has it."""
            try:
                blob = source.blob(descriptor)
            except NotFound:
                return kept_blob(Blob(descriptor, lambda: source.blob(descriptor).open()), self._cache)
            return blob if blob.origin is None else kept_blob(blob, self._cache)

        notes = notes_in(value)
        for key, entry in entries_in(value, blob_of):
            if isinstance(entry, ValueError):
                _log.warning("the layer %s... of %s is not reused: %s", key[:12], location, entry)
                continue
            with self._lock:
                self._entries.setdefault(key, entry)
                self._sources.setdefault(entry.layer.digest, source)
        with self._lock:
            self._notes |= notes
