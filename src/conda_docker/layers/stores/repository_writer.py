"""RepositoryWriter: blobs and entries on their way into a layer repository."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from conda_docker.layers.stores.artifact import FACTS_TYPE, artifact_manifest
from python_docker.errors import RegistryError
from python_docker.image.blob import Blob
from python_docker.progress import SILENT, Progress
from python_docker.registry.destination import RegistryDestination

if TYPE_CHECKING:
    from python_docker.parallel import Stop
    from python_docker.registry.client import RegistryClient
    from python_docker.spec.documents.descriptor import Descriptor

_SMALL = 256 << 10
"""Bytes of a layer that was made here, up to which it is sent without asking whether it is there without an entry."""


class RepositoryWriter:
    """Writes to a layer repository. `is_full` says that it takes no more entries.

    That a repository refuses an entry, as at a limit of tags, is a warning, or an error where it `must_keep` it.
    """

    def __init__(
        self,
        client: RegistryClient,
        path: str,
        progress: Progress,
        stop: Stop,
        warn: Callable[[str], None],
        *,
        must_keep: bool,
    ) -> None:
        self.is_full = False
        self.destination = RegistryDestination(client, path, None)
        self._progress = progress
        self._stop = stop
        self._warn = warn
        self._must_keep = must_keep
        self._lock = threading.Lock()

    def put_layer(self, blob: Blob, name: str) -> None:
        """Have a layer there that has no entry yet, shown by a `name`. Raises `RegistryError`."""
        if blob.origin is None and blob.descriptor.size <= _SMALL:
            self.destination.expect_lacking(blob.descriptor.digest)
        task = self._progress.start(f"keep {name}", blob.descriptor.size)
        task.finish(self.destination.put_blob(blob, self._stop.guard(task)))

    def put_entry(
        self, tag: str, kind: str, config: bytes, layers: Iterable[Descriptor], *, is_new: bool = True
    ) -> bool:
        """Put an entry, and return whether it is kept: not where it is refused, though its blobs were taken.

        Of one that `is_new`, the config is sent without asking whether it is there.
        """
        blob = Blob.from_bytes(config, FACTS_TYPE)
        if is_new:
            self.destination.expect_lacking(blob.descriptor.digest)
        self.destination.put_blob(blob, self._stop.guard(SILENT.start("", None)))
        try:
            self.destination.write(tag, artifact_manifest(kind, config, layers))
        except RegistryError as error:
            # 401: these credentials are not good any more. All else is a limit, of tags or images, or another rule.
            if self._must_keep or not 400 <= error.status < 500 or error.status == 401:
                raise
            with self._lock:
                first, self.is_full = not self.is_full, True
            if first:
                self._warn(f"no more layers are kept there, since it refuses an entry: {error}")
            return False
        self.destination.remember()
        return True
