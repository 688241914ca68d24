"""RepositoryReader: entries and layers of a layer repository, which is asked no more once it cannot be read.

A layer can be made, so a repository that does not answer is not waited for as long as others are.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from conda_docker.cache.kept_blob import kept_blob
from conda_docker.errors import OutOfReach
from conda_docker.layers.stores.artifact import LARGEST_CONFIG, config_in
from conda_docker.layers.stores.environment_entry import NO_ENTRY
from python_docker.errors import CredentialsError, Error, NotFound, RegistryError
from python_docker.registry.client import RegistryClient
from python_docker.spec.documents.manifest import Manifest

if TYPE_CHECKING:
    from conda_docker.cache.folder import CacheFolder
    from python_docker.image.blob import Blob
    from python_docker.parallel import Stop
    from python_docker.progress import Progress
    from python_docker.spec.digest import Digest
    from python_docker.spec.documents.descriptor import Descriptor

_TRIES = 3
_PATIENCE = 10.0
"""Seconds without a byte after which an answer is not waited for: most layers are made in less."""
_SLOW = 5.0
"""Seconds without a byte after which it is said that a layer is waited for."""
_CONFIRMED = 600.0
"""Seconds for which a layer counts as there after the repository has said so: many images ask for the same ones."""

_log = logging.getLogger("conda_docker")


class RepositoryReader:
    """Reads a layer repository. What cannot be read counts as absent, with a warning.

    A `hasty` one tries less often than its client, and gives up sooner. The blobs that it gives raise `OutOfReach`
    while they are read where the repository does not give them, which is said once.
    """

    def __init__(
        self, client: RegistryClient, path: str, cache: CacheFolder, progress: Progress, stop: Stop, *, hasty: bool
    ) -> None:
        self.name = f"{client.domain}/{path}"
        self.out_of_reach = False
        self._path = path
        self._cache = cache
        self._progress = progress
        self._stop = stop
        self._said_waiting = False
        self._names: dict[Digest, str] = {}
        self._confirmed: dict[tuple[Digest, int], float] = {}
        self._lock = threading.Lock()
        options = client.options
        if hasty:
            attempts, timeout = min(_TRIES, options.attempts), min(_PATIENCE, options.read_timeout)
            client = RegistryClient(client.address, options.with_fields(attempts=attempts, read_timeout=timeout))
        self._client = client

    def manifest(self, tag: str, kind: str) -> Manifest | None:
        """Return the manifest of an entry of some `kind`; None when there is none, or it cannot be read."""
        if self.out_of_reach:
            return None
        try:
            manifest = self._client.manifest(self._path, tag)
            if not isinstance(manifest, Manifest) or manifest.artifact_type != kind:
                raise ValueError(f"it is not a {kind}")
            return manifest
        except NotFound:
            return None
        except (RegistryError, CredentialsError) as error:
            self._lose(error)
        except (Error, ValueError, RecursionError) as error:
            self.warn(f"the entry {tag[:12]}... cannot be used: {error}")
        return None

    def config(self, manifest: Manifest) -> dict[str, Any]:
        """Return the config of an entry, which is in its descriptor where it is small.

        Raises `ValueError` for what is no JSON object, `ContentMismatch`, and what reading a blob raises.
        """
        try:
            content = config_in(manifest, self.name)
            if content is None:
                content = self._client.blob(self._path, manifest.config).read(LARGEST_CONFIG)
            config = json.loads(content)
        except Error:
            raise
        except (ValueError, RecursionError) as error:
            raise ValueError(NO_ENTRY) from error
        if not isinstance(config, dict):
            raise ValueError(NO_ENTRY)
        return config

    def config_of(self, tag: str, manifest: Manifest) -> dict[str, Any] | None:
        """Return the config of the entry under a tag; None when it cannot be read."""
        try:
            return self.config(manifest)
        except (RegistryError, CredentialsError) as error:
            if isinstance(error, NotFound):
                self.warn(f"the entry {tag[:12]}... cannot be used: {error}")
            else:
                self._lose(error)
        except (Error, ValueError) as error:
            self.warn(f"the entry {tag[:12]}... cannot be used: {error}")
        return None

    def blob(self, descriptor: Descriptor) -> Blob:
        """Return a blob, which is read from the cache, and put there when it is read for the first time."""
        return kept_blob(self._client.blob(self._path, descriptor), self._cache, partial(self._fetching, descriptor))

    def confirm(self, descriptor: Descriptor) -> None:
        """Ask whether a blob is there in that size, unless that was asked some minutes ago.

        Raises `NotFound`, `ContentMismatch`, `OutOfReach`.
        """
        if self.out_of_reach:
            raise OutOfReach(f"{self.name} will not be asked again")
        asked = descriptor.digest, descriptor.size
        if time.monotonic() - self._confirmed.get(asked, -_CONFIRMED) < _CONFIRMED:
            return
        try:
            self._client.check_blob(self._path, descriptor)
            self._confirmed[asked] = time.monotonic()
        except NotFound:
            raise
        except (RegistryError, CredentialsError) as error:
            self._lose(error)
            raise OutOfReach(f"{self.name} cannot be read: {error}") from error

    def note_present(self, descriptor: Descriptor) -> None:
        """Note that a blob is there in that size: who put it there need not ask."""
        self._confirmed[descriptor.digest, descriptor.size] = time.monotonic()

    def name_blob(self, digest: Digest, name: str) -> None:
        """Show a blob by a name while it is read."""
        self._names[digest] = name

    @contextmanager
    def _fetching(self, descriptor: Descriptor) -> Iterator[Callable[[int], object]]:
        if self.out_of_reach:
            raise OutOfReach(f"{self.name} will not be asked again")
        digest = descriptor.digest
        task = self._progress.start(f"get {self._names.get(digest, digest.short)}", descriptor.size)
        guarded = self._stop.guard(task)
        outcome = "failed"
        waiting = threading.Timer(_SLOW, self._say_waiting, [self._names.get(digest, digest.short)])
        waiting.daemon = True
        waiting.start()

        def advance(size: int) -> None:
            waiting.cancel()
            guarded.advance(size)

        try:
            yield advance
            outcome = ""
        except (RegistryError, CredentialsError) as error:
            if isinstance(error, NotFound):
                raise
            self._lose(error)
            raise OutOfReach(f"{self.name} cannot be read: {error}") from error
        finally:
            waiting.cancel()
            task.finish(outcome)

    def _say_waiting(self, name: str) -> None:
        """Say once why nothing happens."""
        with self._lock:
            first, self._said_waiting = not self._said_waiting, True
        if first:
            self.warn(f"it has sent nothing of {name} for {_SLOW:.0f} seconds, and is waited for")

    def _lose(self, error: Error) -> None:
        """Ask the repository no more, which is said once."""
        with self._lock:
            first, self.out_of_reach = not self.out_of_reach, True
        if first:
            self.warn(f"it cannot be read and will not be asked again: {error}")

    def warn(self, message: str) -> None:
        """Tell the user about this repository."""
        _log.warning("layer repository %s: %s", self.name, message)

    def close(self) -> None:
        """Close idle connections."""
        self._client.close()
