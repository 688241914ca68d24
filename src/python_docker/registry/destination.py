"""RegistryDestination: a repository of a registry, to be written to (see `python_docker.transports.medium`)."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from python_docker.errors import InvalidReference, NotFoundInRegistry, RegistryError
from python_docker.image.blob import Blob
from python_docker.parallel import in_parallel
from python_docker.progress import Task
from python_docker.registry.access.options import RegistryOptions
from python_docker.registry.auth.scope import repository_scope
from python_docker.registry.client import MISSING_BLOB, RegistryClient
from python_docker.registry.referrers import keep_referrer
from python_docker.registry.source import RegistrySource, reference_of, tagged_manifest
from python_docker.registry.upload.mount_sources import MountSources
from python_docker.registry.upload.session import Session, mount_blob
from python_docker.spec.digest import Digest
from python_docker.spec.documents.manifest import Index, Manifest
from python_docker.spec.media_types import ImageFormat
from python_docker.spec.reference import ImageReference
from python_docker.streams.compression import Compression
from python_docker.transports.location import Location
from python_docker.transports.medium import Destination, Source

if TYPE_CHECKING:
    from python_docker.image.blob_store import BlobStore

_UPLOADS = 5
"""How many blobs are sent at once: they share one line."""


class RegistryDestination:
    """A repository of a registry. `commit` moves the tag; until then there are only blobs and manifests without one."""

    formats: ClassVar[frozenset[ImageFormat]] = frozenset({ImageFormat.OCI, ImageFormat.DOCKER})
    compressions: ClassVar[frozenset[Compression]] = frozenset({Compression.GZIP, Compression.ZSTD, Compression.NONE})
    # Most blobs are there, or are mounted, by one short question each: as many at once as connections are kept open.
    parallel: ClassVar[int] = 10
    takes_index: ClassVar[bool] = True

    def __init__(self, client: RegistryClient, path: str, tag: str | None, digest: Digest | None = None) -> None:
        self._client = client
        self._path = path
        self._tag = tag
        self._digest = digest
        self._named: Manifest | Index | None = None
        self._is_stored = False
        self._referrers: list[Manifest] = []
        self._tagged: dict[str, Manifest] = {}
        self._present: dict[Digest, Blob | None] = {}  # and what was not sent, as the registry said that it has it
        self._taken: dict[Digest, str] = {}  # what `take` has done, until `put_blob` says it
        self._lacking: dict[Digest, Session | None] = {}  # what `take` could not do, and the upload that has begun
        self._sources = MountSources(client, path)
        self._lock = threading.Lock()
        self._uploading = threading.BoundedSemaphore(_UPLOADS)

    @classmethod
    def open(
        cls, location: Location, reference: ImageReference | None = None, options: RegistryOptions | None = None
    ) -> RegistryDestination:
        """Return what a `docker://` location names; `options` are those of the environment when it is None.

        `reference`, the name of an image whose location gives it none, is not needed here.

        Raises `InvalidReference` when the location names no image.
        """
        options = options or RegistryOptions.from_environment()
        reference = reference_of(location)
        client = RegistryClient(options.address_of(reference.domain), options)
        return cls(client, reference.path, reference.tag, reference.digest)

    @property
    def staging(self) -> BlobStore | None:
        """None: nothing is stored here."""
        return None

    def prepare(self) -> None:
        """Connect, and have a token for uploads."""
        self._client.session.prepare([repository_scope(self._path, "pull", "push")])

    def join(self, source: Source) -> None:
        """Talk to the registry that `source` is in over its connections, if that is this one."""
        if isinstance(source, RegistrySource):
            self._client.session.join(source.session)

    def share(self, other: Destination) -> None:
        """Copy to this repository what `other` has put: in the same repository nothing is asked or sent again.

        Some registries neither find a blob nor mount it before a manifest names it. The one of `other` is stored for
        that, without its tag.
        """
        if not isinstance(other, RegistryDestination) or other._client.domain != self._client.domain:
            return
        self._client.session.join(other._client.session)
        self._client.upload_limits = other._client.upload_limits
        if other._path == self._path:
            self._present, self._lock = other._present, other._lock
        elif other._named is not None and not other._is_stored:
            other.write(other._named.digest, other._named)
            other._is_stored = True

    def put_blob(self, blob: Blob, task: Task) -> str:
        """Have a blob in the repository, by the way that moves least: it is there, it is mounted, it is uploaded."""
        digest = blob.descriptor.digest
        with self._lock:
            outcome = self._taken.pop(digest, "")
            if not outcome and digest in self._present:
                return "exists"
            is_lacking = digest in self._lacking
            session = self._lacking.pop(digest, None)
        if not outcome and not is_lacking:
            outcome, session = self._find(blob)
        if not outcome:
            from python_docker.registry.upload.blob import upload_blob

            with self._uploading:
                upload_blob(self._client, self._path, blob, task, session)
        self._note(blob, outcome)
        return outcome

    def expect_lacking(self, digest: Digest) -> None:
        """Have `put_blob` send a blob without asking for it first, as one that is new to the repository."""
        with self._lock:
            self._lacking.setdefault(digest, None)

    def take(self, blob: Blob) -> bool:
        """Have a blob without its bytes: return whether it is there, or was mounted. Else `put_blob` sends it.

        Raises `ContentMismatch` for one that is there in another size, and what `put_blob` raises.
        """
        digest = blob.descriptor.digest
        with self._lock:
            if digest in self._present:
                return True
        outcome, session = self._find(blob, exactly=True)
        with self._lock:
            if outcome:
                self._taken[digest] = outcome
            else:
                self._lacking[digest] = session
        if outcome:
            self._note(blob, outcome)
        return outcome != ""

    def _find(self, blob: Blob, *, exactly: bool = False) -> tuple[str, Session | None]:
        """Return how a blob is in the repository without its bytes, else the upload that the registry has begun.

        It is asked at most once for a mount: what it begins in its place is the upload.
        """
        if not exactly and self._sources.comes_from(blob, self._path):
            return "exists", None
        session: Session | bool = False
        source = self._sources.of(blob)
        # Where it comes from, it is: to mount it is one question, whether it is here as well or not.
        is_certain = source is not None and self._sources.comes_from(blob, source)
        is_expected = not is_certain and self._path in self._sources.repositories(blob.descriptor.digest)
        if is_expected and self._has(blob, exactly=exactly):
            return "exists", None
        if source is not None:
            session = mount_blob(self._client, self._path, blob.descriptor.digest, source)
            if session is True:
                return "mounted", None
            if self._client.upload_limits.mounts:
                self._sources.doubt(source, blob.descriptor.digest, refused=session is False)
        # Layers that may not be given away stay where their descriptor says (image-spec, layer.md).
        if (not is_expected and self._has(blob, exactly=exactly)) or blob.descriptor.is_elsewhere:
            return "exists", None
        return "", session if isinstance(session, Session) else None

    def _has(self, blob: Blob, *, exactly: bool) -> bool:
        """Return whether a blob is in the repository; raise `ContentMismatch` where it is not `exactly` that one."""
        if not exactly:
            return self._client.has_blob(self._path, blob.descriptor.digest, to_push=True)
        try:
            self._client.check_blob(self._path, blob.descriptor, to_push=True)
        except NotFoundInRegistry:
            return False
        return True

    def _note(self, blob: Blob, outcome: str) -> None:
        """Note that a blob is here, and where it was not sent, by what it can be sent after all."""
        digest = blob.descriptor.digest
        claimed = outcome != "" and not blob.descriptor.is_elsewhere
        with self._lock:
            self._present[digest] = blob if claimed else None
        self._sources.add(digest)

    def lacks(self, blob: Blob) -> bool:
        """Return whether a blob would be uploaded: it is not there, and not in a repository to be mounted from.

        Nothing is changed. Raises what `put_blob` raises when the registry cannot be asked.
        """
        if self._client.has_blob(self._path, blob.descriptor.digest, to_push=True):
            return False
        source = self._sources.of(blob)
        if source is None:
            return not blob.descriptor.is_elsewhere
        if self._sources.comes_from(blob, source):
            return False
        try:
            return not self._client.has_blob(source, blob.descriptor.digest)
        except RegistryError:  # what may be pushed to may still not be read
            return True

    def put_manifest(self, manifest: Manifest | Index, *, root: bool) -> None:
        """Store a manifest by its digest; the `root` is kept for `commit`."""
        if not root:
            self.write(manifest.digest, manifest)
            return
        if self._digest is not None and self._digest != manifest.digest:
            raise InvalidReference(
                f"the image has the digest {manifest.digest} and cannot be written as {self._path}@{self._digest}"
            )
        self._named = manifest

    def put_referrer(self, manifest: Manifest) -> None:
        """Keep what is attached to an image for `commit`: many registries want the image first."""
        self._referrers.append(manifest)

    def tagged(self, tag: str) -> Manifest | Index | None:
        """Return what a tag of the repository names now."""
        return tagged_manifest(self._client, self._path, tag)

    def put_tagged(self, manifest: Manifest, tag: str) -> None:
        """Keep what is to be known by another tag for `commit`."""
        self._tagged[tag] = manifest

    def commit(self) -> None:
        """Store the root under its tag, when everything that is attached is there; without a root, the latter alone."""
        if self._named is not None and (self._referrers or self._tagged) and not self._is_stored:
            self.write(self._named.digest, self._named)
        while self._referrers:
            self.write(self._referrers[0].digest, self._referrers[0])
            del self._referrers[0]
        while self._tagged:
            tag, manifest = next(iter(self._tagged.items()))
            self.write(tag, manifest)
            del self._tagged[tag]
        if self._named is not None:
            self.write(self._tag or self._named.digest, self._named)
            self._named = None
            self.remember()

    def remember(self) -> None:
        """Have later pushes know which blobs are here, now that a manifest names them."""
        self._sources.keep()

    def write(self, reference: str, document: Manifest | Index) -> None:
        """Store a manifest under a tag or its digest now. Raises `RegistryError`."""
        try:
            answer = self._client.put_manifest(self._path, reference, document)
        except RegistryError as error:
            if MISSING_BLOB.isdisjoint(error.codes) or not isinstance(document, Manifest):
                raise
            claimed = [self._present.get(each.digest) for each in (*document.layers, document.config)]
            blobs = {blob.descriptor.digest: blob for blob in claimed if blob is not None}
            if not blobs:
                raise
            from python_docker.registry.upload.unknown_blobs import send_unknown

            answer = send_unknown(self._client, self._path, reference, document, list(blobs.values()), error)
            self._present |= dict.fromkeys(blobs)
        keep_referrer(self._client, self._path, document, answer)

    def abort(self) -> None:
        """Forget the root. Blobs without a name are for the registry to sweep up."""
        self._named = None
        self._referrers.clear()
        self._tagged.clear()


def present_blobs(location: Location, blobs: Sequence[Blob], registry: RegistryOptions | None = None) -> set[Digest]:
    """Return the digests of those of `blobs` that need not be uploaded to a repository, which is asked for each.

    Raises `RegistryError` when it cannot be asked.
    """
    destination = RegistryDestination.open(location, options=registry)
    lacking = in_parallel([partial(destination.lacks, blob) for blob in blobs], RegistryDestination.parallel)
    return {blob.descriptor.digest for blob, lacks in zip(blobs, lacking, strict=True) if not lacks}
