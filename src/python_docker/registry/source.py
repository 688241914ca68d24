"""RegistrySource: an image in a registry, to be read (see `python_docker.transports.medium`)."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from python_docker.errors import (
    AccessDenied,
    ConnectionFailed,
    ContentMismatch,
    InvalidReference,
    NotFoundInRegistry,
    RegistryError,
)
from python_docker.image.blob import Blob
from python_docker.registry.access.options import RegistryOptions
from python_docker.registry.client import RegistryClient
from python_docker.registry.referrers import referrers
from python_docker.registry.session import RegistrySession
from python_docker.spec.digest import Digest
from python_docker.spec.digest_tags import SUFFIXES, digest_tag
from python_docker.spec.docker_hub import DOCKER_HUB
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.manifest import Index, Manifest
from python_docker.spec.reference import ImageReference
from python_docker.transports.location import Location

_QUESTIONS: Final = 10
"""How much is asked ahead of its time at once: as a rule there is nothing."""


class RegistrySource:
    """An image, or an index of images, in a registry. Nothing is read before it is asked for.

    `paths` are the repositories to look in, the first that has the image counts.
    """

    def __init__(self, client: RegistryClient, paths: tuple[str, ...], reference: ImageReference) -> None:
        self._client = client
        self._paths = paths
        self._reference = reference
        self._root: Manifest | Index | None = None
        self._looking: ThreadPoolExecutor | None = None
        self._listed: dict[Digest, Future[tuple[Descriptor, ...]]] = {}
        self._tagged: dict[str, Future[Manifest | Index | None]] = {}

    @classmethod
    def open(cls, location: Location, options: RegistryOptions | None = None) -> RegistrySource:
        """Return what a `docker://` location names; `options` are those of the environment when it is None.

        Raises `InvalidReference` when the location names no image.
        """
        options = options or RegistryOptions.from_environment()
        reference = reference_of(location)
        paths = [reference.path]
        if reference.domain == options.default_domain != DOCKER_HUB and "/" not in reference.path:
            # A mirror of Docker Hub has an image under the name that it has there.
            paths.append(f"library/{reference.path}")
        client = RegistryClient(options.address_of(reference.domain), options)
        return cls(client, tuple(dict.fromkeys(paths)), reference)

    @property
    def reference(self) -> ImageReference:
        """The name of the image."""
        return self._reference

    @property
    def session(self) -> RegistrySession:
        """What it talks to the registry by."""
        return self._client.session

    def root(self) -> Manifest | Index:
        """Return what the tag, or the digest where there is one, names."""
        while self._root is None:
            try:
                self._meet()
                self._root = self._client.manifest(self._paths[0], self._reference.identifier)
                self._paths = self._paths[:1]
            except RegistryError as error:
                # Some registries refuse access to what is not there.
                if len(self._paths) == 1 or not isinstance(error, (NotFoundInRegistry, AccessDenied)):
                    error.image = self._reference.familiar
                    raise
                self._paths = self._paths[1:]
        return self._root

    @property
    def _path(self) -> str:
        """The repository that has the image."""
        if len(self._paths) > 1:
            self.root()
        return self._paths[0]

    def _meet(self) -> None:
        """Find out how to speak to the registry.

        Raises errors that name the image: of a slip in its name, a host that was not meant says nothing.
        """
        try:
            _ = self.session.base_url
        except ConnectionFailed as error:
            raise ConnectionFailed(f"cannot read {self._reference}: {error}", cause=error.cause) from None

    def child(self, descriptor: Descriptor) -> Manifest | Index:
        """Return a manifest or index that an index names."""
        found = self._client.manifest(self._path, descriptor.digest)
        if found.size != descriptor.size:
            raise ContentMismatch(f"manifest {descriptor.digest} has {found.size} bytes instead of {descriptor.size}")
        return found

    def blob(self, descriptor: Descriptor) -> Blob:
        """Return a config or layer, downloaded each time it is opened."""
        return self._client.blob(self._path, descriptor)

    def check_blob(self, descriptor: Descriptor) -> None:
        """Ask whether a blob is there in that size. Raises `NotFoundInRegistry` and `ContentMismatch`."""
        self._client.check_blob(self._path, descriptor)

    def look_ahead(self, digest: Digest) -> None:
        """Begin to ask what is attached to a manifest; `referrers` and `tagged` then wait for these answers."""
        if digest in self._listed:
            return
        if self._looking is None:
            self._looking = ThreadPoolExecutor(_QUESTIONS, thread_name_prefix="look")
        self._listed[digest] = self._looking.submit(self._list, digest)
        for suffix in SUFFIXES:
            tag = digest_tag(digest, suffix)
            self._tagged[tag] = self._looking.submit(tagged_manifest, self._client, self._path, tag)

    def referrers(self, digest: Digest) -> tuple[Descriptor, ...]:
        """Return what is attached to a manifest."""
        asked = self._listed.get(digest)
        return self._list(digest) if asked is None else asked.result()

    def _list(self, digest: Digest) -> tuple[Descriptor, ...]:
        return referrers(self._client, self._path, digest).manifests

    def tagged(self, tag: str) -> Manifest | Index | None:
        """Return what a tag of the repository names."""
        asked = self._tagged.get(tag)
        return tagged_manifest(self._client, self._path, tag) if asked is None else asked.result()

    def close(self) -> None:
        """Close idle connections; blobs that were given stay usable."""
        if self._looking is not None:
            # After an error nobody waits for the answers.
            self._looking.shutdown(wait=False, cancel_futures=True)
        self._client.close()


def tagged_manifest(client: RegistryClient, path: str, tag: str) -> Manifest | Index | None:
    """Return what a tag of a repository names; None when there is no such tag."""
    try:
        return client.manifest(path, tag)
    except NotFoundInRegistry:
        return None


def reference_of(location: Location) -> ImageReference:
    """Return the name of the image at a `docker://` location. Raises `InvalidReference` when it names none."""
    reference = location.reference()
    if reference is None:
        raise InvalidReference(f"{location} names no image: it looks like docker://ghcr.io/org/name:tag")
    return reference
