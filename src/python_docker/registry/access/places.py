"""BlobPlaces: which repositories of a registry have a blob, so that others can mount it (distribution-spec)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from python_docker.spec.digest import Digest


class BlobPlaces(Protocol):
    """Remembers which repositories of registries have which blobs. Safe to use from any number of threads.

    It is a hint and no more: a registry is always asked, and what it does not have any more is uploaded.
    """

    def repositories(self, registry: str, digest: Digest) -> Sequence[str]:
        """Return the repositories of a registry that had a blob, the latest first."""

    def add(self, registry: str, repository: str, digest: Digest) -> None:
        """Note that a repository has a blob."""

    def remove(self, registry: str, repository: str, digest: Digest) -> None:
        """Note that a repository does not have a blob, or does not give it."""

    def keep(self, registry: str) -> None:
        """Remember for later processes what is known of a registry."""
