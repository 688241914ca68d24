"""OCI image layouts: a folder of blobs with an index.json, `oci:DIR[:NAME]` (image-spec, image-layout.md)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from python_docker.errors import ContentMismatch, Error, InvalidArchive, NotFound
from python_docker.files.atomic import PartialFolder, write_whole_file
from python_docker.files.leftovers import is_partial
from python_docker.files.lock import locked
from python_docker.files.renaming import rename_over
from python_docker.image.blob import Blob
from python_docker.image.blob_store import BlobStore
from python_docker.progress import Task
from python_docker.spec.digest import Digest
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.manifest import Index, Manifest, named_digests, referrer_descriptor
from python_docker.spec.limits import MAX_DOCUMENT_SIZE
from python_docker.spec.media_types import ImageFormat
from python_docker.spec.reference import ImageReference
from python_docker.streams.compression import Compression
from python_docker.transports.location import Location
from python_docker.transports.medium import Source
from python_docker.transports.oci.index import (
    LAYOUT_MARKER,
    check_layout_marker,
    naming_annotations,
    tagged_descriptor,
    with_image,
    with_referrer,
    with_tagged,
    write_index,
)
from python_docker.transports.oci.source import FolderFiles, OciSource
from python_docker.transports.output import writing

if TYPE_CHECKING:
    from python_docker.registry.access.options import RegistryOptions

_READ_SIZE = 1 << 20


class OciLayoutSource(OciSource):
    """An image, or an index of images, in an OCI layout."""

    @classmethod
    def open(cls, location: Location, registry: RegistryOptions | None = None) -> OciLayoutSource:
        """Open a layout. Raises `NotFound` when there is no such folder, `InvalidArchive` for what is not a layout."""
        return cls(_files(location), location.name)

    @classmethod
    def open_all(cls, location: Location) -> dict[str, Source]:
        """Open each image in a layout."""
        return cls.every(_files(location))


def _files(location: Location) -> FolderFiles:
    folder = Path(location.path)
    if folder.is_file():
        raise InvalidArchive(
            f"{folder} is a file, not a folder; write oci-archive:{folder} or docker-archive:{folder} to read it"
        )
    if not folder.is_dir():
        raise NotFound(f"there is no folder {folder}")
    return FolderFiles(folder)


def present_blobs(location: Location, blobs: Sequence[Blob], registry: RegistryOptions | None = None) -> set[Digest]:
    """Return the digests of those of `blobs` that a layout has, by their sizes: nothing is read, nothing is written."""
    store = BlobStore(location.path)
    return {blob.descriptor.digest for blob in blobs if store.contains(blob.descriptor)}


class OciLayoutDestination:
    """Writes an image into an OCI layout: a new one, which appears when it is complete, or one that is there already.

    An existing layout gains the image; one of the same name in index.json is replaced. Any number of processes may
    write to one layout at once. Blobs that are files on the same file system are linked, not copied.
    """

    # skopeo finds by name, and umoci reads, only images in OCI's format.
    formats: ClassVar[frozenset[ImageFormat]] = frozenset({ImageFormat.OCI})
    compressions: ClassVar[frozenset[Compression]] = frozenset({Compression.NONE, Compression.GZIP, Compression.ZSTD})
    parallel: ClassVar[int] = 4
    takes_index: ClassVar[bool] = True

    def __init__(self, folder: Path, annotations: Mapping[str, str]) -> None:
        self._folder = folder
        self._annotations = dict(annotations)
        self._root: Descriptor | None = None
        self._referrers: dict[Digest, Descriptor] = {}
        self._tagged: dict[str, Descriptor] = {}
        self._staged: set[Digest] = set()
        self._named: set[Digest] = set()
        self._store = BlobStore(folder)
        self._exists = _is_layout(folder)
        with writing(f"to the OCI layout {folder}"):
            if self._exists:
                self._partial = PartialFolder(folder)
            else:
                folder.absolute().parent.mkdir(parents=True, exist_ok=True)
                self._partial = PartialFolder(folder.absolute().parent, folder.absolute().name)
        self._stage = BlobStore(self._partial.path)

    @classmethod
    def open(
        cls, location: Location, reference: ImageReference | None, registry: RegistryOptions | None = None
    ) -> OciLayoutDestination:
        """Begin to write to the folder of the location.

        Raises `InvalidReference` for a name that a layout cannot hold, `InvalidArchive` for a folder that holds
        something else.
        """
        return cls(Path(location.path), naming_annotations(location, reference))

    @property
    def staging(self) -> BlobStore | None:
        return self._stage

    def put_blob(self, blob: Blob, task: Task) -> str:
        descriptor = blob.descriptor
        if self._exists and self._holds(blob):
            return "exists"
        copied = 0

        def advance(size: int) -> None:
            nonlocal copied
            copied += size
            task.advance(size)

        self._add(blob, advance)
        # A linked blob is there at once.
        task.advance(descriptor.size - copied)
        return ""

    def _holds(self, blob: Blob) -> bool:
        """Return whether the layout has this blob, undamaged."""
        descriptor = blob.descriptor
        path = self._store.path_of(descriptor.digest)
        if not self._store.contains(descriptor):
            return False
        try:
            if blob.file is not None and path.samefile(blob.file.checked()):
                return True
            with Blob.from_file(path, descriptor).open() as stream:
                while stream.read(_READ_SIZE):
                    pass
        except (ContentMismatch, OSError):
            return False
        return True

    def _add(self, blob: Blob, advance: Callable[[int], object] | None = None) -> None:
        with writing(f"to the OCI layout {self._folder}"):
            self._stage.add(blob, advance=advance)
        self._staged.add(blob.descriptor.digest)

    def put_manifest(self, manifest: Manifest | Index, *, root: bool) -> None:
        self._add(Blob.from_bytes(manifest.raw, manifest.media_type))
        self._named |= {manifest.digest, *named_digests(manifest)}
        if root:
            self._root = Descriptor.new(manifest.media_type, manifest.digest, manifest.size, self._annotations)

    def put_referrer(self, manifest: Manifest) -> None:
        """Add what is attached to the image; index.json lists it after the image."""
        self.put_manifest(manifest, root=False)
        self._referrers[manifest.digest] = referrer_descriptor(manifest)

    def tagged(self, tag: str) -> Manifest | Index | None:
        """Return what the layout that is there lists under a tag."""
        if not self._exists or FolderFiles(self._folder).read("index.json", MAX_DOCUMENT_SIZE) is None:
            return None
        return OciSource(FolderFiles(self._folder), None).tagged(tag)

    def put_tagged(self, manifest: Manifest, tag: str) -> None:
        """Add what belongs to the image by a tag; index.json lists it after the image."""
        self.put_manifest(manifest, root=False)
        self._tagged[tag] = tagged_descriptor(manifest, tag)

    def commit(self) -> None:
        """Make the image visible in the layout under its name, and what is attached to it or to one that is there."""
        if self._root is None and not (self._exists and (self._referrers or self._tagged)):
            raise Error(f"no image was written to the OCI layout {self._folder}")
        with writing(f"to the OCI layout {self._folder}"):
            for superfluous in self._staged - self._named:
                self._stage.path_of(superfluous).unlink()
            self._staged &= self._named
            if self._exists or self._root is None or not self._appear(self._root):
                _is_layout(self._folder)
                self._merge(self._root)
        self._partial.abort()

    def _appear(self, root: Descriptor) -> bool:
        """Rename the complete folder into place; return False when another process made one of that name meanwhile."""
        (self._partial.path / "oci-layout").write_bytes(LAYOUT_MARKER)
        (self._partial.path / "index.json").write_bytes(
            write_index([root, *self._referrers.values(), *self._tagged.values()])
        )
        return self._partial.commit_unless_there(self._folder)

    def _merge(self, root: Descriptor | None) -> None:
        """Move the blobs over, then name the image, so that what index.json names is there at any moment."""
        for digest in sorted(self._staged):
            path = self._store.path_of(digest)
            path.parent.mkdir(parents=True, exist_ok=True)
            rename_over(self._stage.path_of(digest), path)
        with locked(self._folder / ".index.json.lock"):
            files = FolderFiles(self._folder)
            if files.read("oci-layout", MAX_DOCUMENT_SIZE) is None:
                write_whole_file(self._folder / "oci-layout", LAYOUT_MARKER)
            index = files.read("index.json", MAX_DOCUMENT_SIZE)
            if root is not None:
                index = with_image(index, root, files.name)
            elif index is None:
                raise InvalidArchive(f"{files.name} has no index.json any more")
            for referrer in self._referrers.values():
                index = with_referrer(index, referrer, files.name)
            for descriptor in self._tagged.values():
                index = with_tagged(index, descriptor, files.name)
            write_whole_file(self._folder / "index.json", index)

    def abort(self) -> None:
        self._partial.abort()


def _is_layout(folder: Path) -> bool:
    """Return whether the folder is there and may be written to: a layout, or empty.

    Raises `InvalidArchive` for any other.
    """
    if not os.path.lexists(folder):
        return False
    if not folder.is_dir():
        raise InvalidArchive(f"cannot write an OCI layout to {folder}: it is a file, not a folder")
    files = FolderFiles(folder)
    marker, index = (files.read(name, MAX_DOCUMENT_SIZE) for name in ("oci-layout", "index.json"))
    check_layout_marker(marker, files.name)
    if index is not None:
        Index.parse(index, f"index.json of {folder}")
    elif marker is None and any(not is_partial(name) for name in os.listdir(folder)):
        raise InvalidArchive(f"cannot write an OCI layout to {folder}: the folder is not empty, and no OCI layout")
    return True
