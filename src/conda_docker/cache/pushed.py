"""Where blobs were pushed, so that the next push to the same registry mounts them instead of sending them again."""

from __future__ import annotations

import hashlib
import json
import threading
from typing import TYPE_CHECKING

from conda_docker.cache.folder import CacheFolder, NoteKind
from conda_docker.cache.location import default_cache_dir

if TYPE_CHECKING:
    from pathlib import Path

    from python_docker.spec.digest import Digest

_MOST_BLOBS = 10_000
"""Blobs of one registry that are remembered: some hundreds of environments, in a file of about a megabyte."""
_MOST_REPOSITORIES = 3

_Repositories = dict[str, list[str]]


class PushedBlobs:
    """The repositories of registries that were seen to have a blob: what `RegistryOptions` has as `places`.

    One note for each registry, of this user alone. What is not remembered, or not true any more, costs a request.
    """

    def __init__(self, cache: CacheFolder) -> None:
        self._cache = cache
        self._known: dict[str, _Repositories] = {}
        self._lock = threading.Lock()

    def repositories(self, registry: str, digest: Digest) -> tuple[str, ...]:
        """Return the repositories of a registry that had a blob, the latest first."""
        with self._lock:
            return tuple(reversed(self._of(registry).get(digest, ())))

    def add(self, registry: str, repository: str, digest: Digest) -> None:
        """Note that a repository has a blob; it is remembered by later processes after `keep`."""
        with self._lock:
            _add(self._of(registry), repository, digest)

    def remove(self, registry: str, repository: str, digest: Digest) -> None:
        """Note that a repository does not have a blob, or does not give it."""
        with self._lock:
            known = self._of(registry).get(digest, [])
            if repository in known:
                known.remove(repository)

    def keep(self, registry: str) -> None:
        """Write down what is known of a registry, where the cache can be written."""
        with self._lock:
            latest = dict(list(self._of(registry).items())[-_MOST_BLOBS:])
            content = json.dumps({"registry": registry, "blobs": latest}, separators=(",", ":")).encode()
            self._cache.remember(NoteKind.PUSHED, _key(registry), content)

    def _of(self, registry: str) -> _Repositories:
        if registry not in self._known:
            self._known[registry] = _parse(self._cache.read_note(NoteKind.PUSHED, _key(registry)))
        return self._known[registry]


def remembered_places(cache_dir: Path | None = None) -> PushedBlobs:
    """Return what the cache (None: the user's) knows of where blobs were pushed."""
    return PushedBlobs(CacheFolder(cache_dir or default_cache_dir()))


def _add(blobs: _Repositories, repository: str, digest: str) -> None:
    known = blobs.pop(digest, [])  # the latest come last
    if repository in known:
        known.remove(repository)
    blobs[digest] = [*known, repository][-_MOST_REPOSITORIES:]


def _parse(note: bytes | None) -> _Repositories:
    if note is None:
        return {}
    try:
        blobs = json.loads(note)["blobs"]
        return {str(digest): [str(name) for name in names] for digest, names in blobs.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _key(registry: str) -> str:
    return hashlib.sha256(registry.encode()).hexdigest()
