"""The seam of every medium (archive, layout, registry, engine): a `Source` of images, a `Destination` for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

from python_docker.image.blob import Blob
from python_docker.progress import Task
from python_docker.spec.digest import Digest
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.manifest import Index, Manifest
from python_docker.spec.media_types import ImageFormat
from python_docker.spec.reference import ImageReference
from python_docker.streams.compression import Compression

if TYPE_CHECKING:
    from python_docker.image.blob_store import BlobStore


class Source(Protocol):
    """One image, or one index of images, to read. Nothing is read before it is asked for."""

    @property
    def reference(self) -> ImageReference | None:
        """The name under which the image is known there, if it has one."""

    def root(self) -> Manifest | Index:
        """Return what the location names. Raises `NotFound` when there is no such image."""

    def child(self, descriptor: Descriptor) -> Manifest | Index:
        """Return a manifest or index that an index names."""

    def blob(self, descriptor: Descriptor) -> Blob:
        """Return a config or layer that a manifest names. Raises `NotFound`, at the latest when the blob is opened."""

    def close(self) -> None:
        """Close connections and files. Blobs that were given stay usable."""


class Destination(Protocol):
    """Takes one image, or one index of images: blobs, then the manifests that name them, the root last, then `commit`.

    Blobs may come long before the manifests, and one that no manifest comes to name is not kept where that can be
    helped. Without a root, what is attached joins images that are there. Until `commit` nothing that was there is
    changed, and nothing new is to be seen where the medium allows that; `abort` takes back what it can.
    """

    formats: ClassVar[frozenset[ImageFormat]]
    """The image formats that can be kept."""
    compressions: ClassVar[frozenset[Compression]]
    """The compressions of layers that can be kept."""
    parallel: ClassVar[int]
    """How many blobs may be put at once, in any order; 1 where they are kept in the order in which they are put."""
    takes_index: ClassVar[bool]
    """Whether it can hold an index of images."""

    @property
    def staging(self) -> BlobStore | None:
        """A store that new forms of layers can be written to at once, since `put_blob` takes them from there."""

    def put_blob(self, blob: Blob, task: Task) -> str:
        """Take a blob in; report each byte moved to `task`. Gives how it went: empty, or `exists`, or `mounted`."""

    def put_manifest(self, manifest: Manifest | Index, *, root: bool) -> None:
        """Add a manifest or index whose blobs and children are there already; `root` is what gets the name."""

    def commit(self) -> None:
        """Make what was put visible under its name."""

    def abort(self) -> None:
        """Take back what was put, after an error."""


@runtime_checkable
class ListsReferrers(Protocol):
    """A source that knows what is attached to its manifests."""

    def referrers(self, digest: Digest) -> tuple[Descriptor, ...]:
        """Return the manifests that name the manifest `digest` as their subject."""


@runtime_checkable
class ChecksBlobs(Protocol):
    """A source that can be asked for a blob without reading it."""

    def check_blob(self, descriptor: Descriptor) -> None:
        """Ask whether a blob is there in that size. Raises `NotFound` and `ContentMismatch`."""


@runtime_checkable
class MovesLittle(Protocol):
    """A destination that may have a blob without being sent its bytes."""

    def take(self, blob: Blob) -> bool:
        """Have a blob without reading it, and return whether that was possible; else `put_blob` sends its bytes.

        Raises `ContentMismatch` where the destination has it in another size, and what `put_blob` raises.
        """


@runtime_checkable
class FindsTags(Protocol):
    """A source that holds other manifests under tags, next to the image that it names."""

    def tagged(self, tag: str) -> Manifest | Index | None:
        """Return what a tag names; None when there is no such tag."""


@runtime_checkable
class LooksAhead(Protocol):
    """A source that takes some time to find what is attached to a manifest, in which others may work."""

    def look_ahead(self, digest: Digest) -> None:
        """Begin to look for what `referrers`, and `tagged` of its digest tags, will be asked for. Returns at once."""


@runtime_checkable
class Prepares(Protocol):
    """A destination that takes some time to get ready, which others may use."""

    def prepare(self) -> None:
        """Get ready for blobs. Raises what the first `put_blob` would raise for want of that."""


@runtime_checkable
class JoinsSource(Protocol):
    """A destination that gets to know its place sooner from a source that is there as well."""

    def join(self, source: Source) -> None:
        """Use the connections of `source` and what is known by it, before the first blob."""


@runtime_checkable
class SharesBlobs(Protocol):
    """A destination that may get blobs from another of its kind, rather than have them sent."""

    def share(self, other: Destination) -> None:
        """Get what can be had from `other`, to which an image was just put, and which is not committed yet."""


@runtime_checkable
class HoldsNames(Protocol):
    """A destination where an image can have several names."""

    further_names: tuple[ImageReference, ...]
    """The names that the root gets besides its own."""


@runtime_checkable
class TakesReferrers(Protocol):
    """A destination that lists what is attached to its manifests."""

    def put_referrer(self, manifest: Manifest) -> None:
        """Add a manifest with a subject, whose blobs are there already; `commit` makes it visible."""


@runtime_checkable
class TakesTags(FindsTags, Protocol):
    """A destination that holds other manifests under tags, next to the image."""

    def put_tagged(self, manifest: Manifest, tag: str) -> None:
        """Add a manifest whose blobs are there already; `commit` gives it the tag."""
