"""OCI archives: an OCI image layout in a tar, `oci-archive:PATH[:NAME]`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from python_docker.errors import Error
from python_docker.image.blob import Blob
from python_docker.image.blob_store import BlobStore, blob_path
from python_docker.progress import Task
from python_docker.spec.digest import Digest
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.manifest import Index, Manifest, referrer_descriptor
from python_docker.spec.media_types import ImageFormat
from python_docker.spec.reference import ImageReference
from python_docker.streams.compression import Compression
from python_docker.transports.archive_file import ArchiveFile
from python_docker.transports.blob_tar import BlobTar
from python_docker.transports.location import Location
from python_docker.transports.medium import Source
from python_docker.transports.oci.index import LAYOUT_MARKER, naming_annotations, tagged_descriptor, write_index
from python_docker.transports.oci.source import OciSource, TarFiles
from python_docker.transports.output import Output, archive_output

if TYPE_CHECKING:
    from python_docker.registry.access.options import RegistryOptions


class OciArchiveSource(OciSource):
    """An image, or an index of images, in an OCI archive."""

    @classmethod
    def open(cls, location: Location, registry: RegistryOptions | None = None) -> OciArchiveSource:
        """Open an archive. Raises `NotFound` when there is no such file, `InvalidArchive` for one of another kind."""
        return cls(TarFiles(ArchiveFile.open(location.path)), location.name)

    @classmethod
    def open_all(cls, location: Location) -> dict[str, Source]:
        """Open each image in an archive."""
        return cls.every(TarFiles(ArchiveFile.open(location.path)))


class OciArchiveDestination:
    """Writes an OCI archive: the same image gives the same bytes, and the file appears whole or not at all."""

    # skopeo finds by name, and umoci reads, only images in OCI's format.
    formats: ClassVar[frozenset[ImageFormat]] = frozenset({ImageFormat.OCI})
    compressions: ClassVar[frozenset[Compression]] = frozenset({Compression.NONE, Compression.GZIP, Compression.ZSTD})
    parallel: ClassVar[int] = 1
    takes_index: ClassVar[bool] = True

    def __init__(self, output: Output, annotations: Mapping[str, str]) -> None:
        self._tar = BlobTar(output)
        self._annotations = dict(annotations)
        self._root: Descriptor | None = None
        self._referrers: dict[Digest, Descriptor] = {}
        self._tagged: dict[str, Descriptor] = {}

    @classmethod
    def open(
        cls, location: Location, reference: ImageReference | None, registry: RegistryOptions | None = None
    ) -> OciArchiveDestination:
        """Begin an archive that replaces the one at the location when it is complete. Raises `InvalidReference`."""
        annotations = naming_annotations(location, reference)
        return cls(archive_output(location.path), annotations)

    @property
    def staging(self) -> BlobStore | None:
        return None

    def put_blob(self, blob: Blob, task: Task) -> str:
        return self._tar.put_blob(blob, task.advance)

    def put_manifest(self, manifest: Manifest | Index, *, root: bool) -> None:
        self._tar.put_file(blob_path(manifest.digest), manifest.raw)
        if root:
            self._root = Descriptor.new(manifest.media_type, manifest.digest, manifest.size, self._annotations)

    def put_referrer(self, manifest: Manifest) -> None:
        """Add what is attached to the image."""
        self.put_manifest(manifest, root=False)
        self._referrers[manifest.digest] = referrer_descriptor(manifest)

    def tagged(self, tag: str) -> Manifest | Index | None:
        """None: an archive is written anew."""
        return None

    def put_tagged(self, manifest: Manifest, tag: str) -> None:
        """Add what belongs to the image by a tag."""
        self.put_manifest(manifest, root=False)
        self._tagged[tag] = tagged_descriptor(manifest, tag)

    def commit(self) -> None:
        """Complete the archive and give it its name."""
        if self._root is None:
            raise Error("the OCI archive was given no image")
        self._tar.put_file("index.json", write_index([self._root, *self._referrers.values(), *self._tagged.values()]))
        self._tar.put_file("oci-layout", LAYOUT_MARKER)
        self._tar.commit()

    def abort(self) -> None:
        self._tar.abort()
