"""Where a push mounts blobs from: the repositories of a registry that have them, or should (distribution-spec)."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from python_docker.image.blob import Blob
    from python_docker.registry.client import RegistryClient
    from python_docker.spec.digest import Digest


class MountSources:
    """The repositories of one registry that blobs may be mounted from, into the repository `path`.

    Known are the repository that a blob is read from, and those that `BlobPlaces` remembers. Any number of threads may
    use it.
    """

    def __init__(self, client: RegistryClient, path: str) -> None:
        self._client = client
        self._path = path
        self._places = client.options.places
        self._refusing: set[str] = set()
        self._lock = threading.Lock()

    def repositories(self, digest: Digest) -> Sequence[str]:
        """Return the repositories that are remembered to have a blob, the latest first."""
        return () if self._places is None else self._places.repositories(self._client.domain, digest)

    def comes_from(self, blob: Blob, path: str) -> bool:
        """Return whether a blob is read from that repository of this registry."""
        return blob.origin == f"{self._client.domain}/{path}"

    def of(self, blob: Blob) -> str | None:
        """Return another repository of this registry that should have a blob: where it is from, else was pushed to."""
        if not self._client.upload_limits.mounts:
            return None
        domain, _, origin = (blob.origin or "").partition("/")
        known = [origin] if domain == self._client.domain else []
        known += self.repositories(blob.descriptor.digest)
        return next((path for path in known if path != self._path and path not in self._refusing), None)

    def add(self, digest: Digest) -> None:
        """Note that the repository itself has a blob."""
        if self._places is not None:
            self._places.add(self._client.domain, self._path, digest)

    def doubt(self, source: str, digest: Digest, *, refused: bool) -> None:
        """Note that a blob was not mounted. A repository that is `refused` as a source is not asked for any other."""
        if refused:
            with self._lock:
                self._refusing.add(source)
        if self._places is not None:
            self._places.remove(self._client.domain, source, digest)

    def keep(self) -> None:
        """Have later pushes know which blobs are where."""
        if self._places is not None:
            self._places.keep(self._client.domain)
