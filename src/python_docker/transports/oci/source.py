"""Reading OCI layouts, wherever their files are: in a folder or in a tar (image-spec, image-layout.md)."""

from __future__ import annotations

import base64
import binascii
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from python_docker.errors import ContentMismatch, InvalidArchive, InvalidDocument, NotFound, reason_of
from python_docker.image.blob import Blob
from python_docker.image.blob_store import BlobStore, blob_path
from python_docker.spec.digest import Digest
from python_docker.spec.digest_tags import referrers_tag
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.manifest import Index, Manifest, parse_manifest
from python_docker.spec.limits import MAX_DOCUMENT_SIZE
from python_docker.spec.media_types import MANIFESTS
from python_docker.spec.reference import ImageReference
from python_docker.transports.medium import Source
from python_docker.transports.oci.index import check_layout_marker, choose, images_of, labels, reference_of, tagged

if TYPE_CHECKING:
    from python_docker.transports.archive_file import ArchiveFile


class LayoutFiles(Protocol):
    """The files of a layout; `name` is what messages call it."""

    name: str

    def read(self, path: str, limit: int) -> bytes | None:
        """Return the content of a small file, None when there is none."""

    def blob(self, descriptor: Descriptor) -> Blob:
        """Return a blob. Raises `NotFound`, or `ContentMismatch` when it has another size than its descriptor says."""


class FolderFiles:
    """The files of a layout in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = str(folder)

    def read(self, path: str, limit: int) -> bytes | None:
        file = self.folder / path
        try:
            size = regular_size(file)
            if size is None:
                return None
            if size > limit:
                raise InvalidDocument(f"{file} has {size} bytes; at most {limit} are read")
            return file.read_bytes()
        except OSError as error:
            raise InvalidArchive(f"cannot read {file}: {reason_of(error)}") from error

    def blob(self, descriptor: Descriptor) -> Blob:
        store = BlobStore(self.folder)
        if regular_size(store.path_of(descriptor.digest)) is None:
            raise NotFound(f"{self.name} has no blob {descriptor.digest}")
        return store.get(descriptor)


def regular_size(path: Path) -> int | None:
    """Return the size of a plain file; None when there is nothing, or what cannot be read like one (a pipe)."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


class TarFiles:
    """The files of a layout in a tar."""

    def __init__(self, archive: ArchiveFile) -> None:
        self.archive = archive
        self.name = archive.name

    def read(self, path: str, limit: int) -> bytes | None:
        return self.archive.read(path, limit)

    def blob(self, descriptor: Descriptor) -> Blob:
        archive = self.archive
        member = archive.find(blob_path(descriptor.digest))
        if member is None:
            raise NotFound(f"{self.name} has no blob {descriptor.digest}")
        if member.size != descriptor.size:
            raise ContentMismatch(
                f"blob {descriptor.digest} in {self.name} has {member.size} bytes instead of {descriptor.size}"
            )
        return Blob(descriptor, lambda: archive.open_member(member))


class OciSource:
    """A `Source`: what one name in a layout means.

    Raises `InvalidArchive` for what is not an OCI layout, `InvalidDocument` for a malformed index.json.
    """

    def __init__(self, files: LayoutFiles, name: str | None, *, index: Index | None = None) -> None:
        self._files = files
        self._name = name
        self.index = read_index(files) if index is None else index
        self._chosen: Descriptor | Index | None = None

    @classmethod
    def every(cls, files: LayoutFiles) -> dict[str, Source]:
        """Return a source for each image in a layout, by its number and name; for the only one, by an empty name."""
        index = read_index(files)
        images = images_of(index)
        try:
            choose(index, None, files.name)
        except NotFound:
            if images:
                return {
                    label: OciSource(files, f"@{number}", index=index) for number, label in enumerate(labels(images))
                }
        return {"": OciSource(files, None, index=index)}

    def _choose(self) -> Descriptor | Index:
        if self._chosen is None:
            self._chosen = choose(self.index, self._name, self._files.name)
        return self._chosen

    @property
    def reference(self) -> ImageReference | None:
        chosen = self._choose()
        descriptor = chosen.manifests[0] if isinstance(chosen, Index) else chosen
        return reference_of(descriptor)

    def root(self) -> Manifest | Index:
        """Return what the name means, or, without one, the one image there is. Raises `NotFound`."""
        chosen = self._choose()
        return chosen if isinstance(chosen, Index) else self.child(chosen)

    def child(self, descriptor: Descriptor) -> Manifest | Index:
        raw = self.blob(descriptor).read()
        return parse_manifest(raw, descriptor.media_type, f"manifest {descriptor.digest} in {self._files.name}")

    def blob(self, descriptor: Descriptor) -> Blob:
        try:
            return self._files.blob(descriptor)
        except NotFound:
            embedded = _embedded(descriptor)
            if embedded is None:
                raise
            return embedded

    def referrers(self, digest: Digest) -> tuple[Descriptor, ...]:
        """Return what is attached to a manifest: artifacts of index.json, and what is listed under the subject's tag.

        regclient keeps such a list in layouts, as registries without referrers do.
        """
        attached: dict[Digest, Descriptor] = {}
        for descriptor in self.index.manifests:
            if descriptor.artifact_type is None or descriptor.media_type not in MANIFESTS:
                continue
            manifest = self.child(descriptor)
            if isinstance(manifest, Manifest) and manifest.subject is not None and manifest.subject.digest == digest:
                attached[descriptor.digest] = descriptor
        if isinstance(listed := self.tagged(referrers_tag(digest)), Index):
            attached |= {descriptor.digest: descriptor for descriptor in listed.manifests}
        return tuple(attached.values())

    def tagged(self, tag: str) -> Manifest | Index | None:
        """Return what index.json lists under a tag that is made of a digest."""
        descriptor = tagged(self.index, tag)
        return None if descriptor is None else self.child(descriptor)

    def close(self) -> None:
        """Files are closed with the last object that reads from them."""


def _embedded(descriptor: Descriptor) -> Blob | None:
    """Return the content that a descriptor brings along (image-spec, descriptor.md, `data`); whoever opens it checks
    it.
    """
    if descriptor.data is None or len(descriptor.data) > 2 * MAX_DOCUMENT_SIZE:
        return None
    try:
        content = base64.b64decode(descriptor.data, validate=True)
    except binascii.Error:
        return None
    return Blob(descriptor, Blob.from_bytes(content, descriptor.media_type).opener)


def read_index(files: LayoutFiles) -> Index:
    """Return index.json of a layout. Raises `InvalidArchive` when there is none."""
    check_layout_marker(files.read("oci-layout", MAX_DOCUMENT_SIZE), files.name)
    raw = files.read("index.json", MAX_DOCUMENT_SIZE)
    if raw is None:
        docker = files.read("manifest.json", MAX_DOCUMENT_SIZE) is not None
        hint = f"; it looks like an archive of Docker's: docker-archive:{files.name}" if docker else ""
        raise InvalidArchive(f"{files.name} is not an OCI image layout: it has no index.json{hint}")
    return Index.parse(raw, f"index.json of {files.name}")
