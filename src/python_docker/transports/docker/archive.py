"""Docker archives, as `docker save` writes and `docker load` reads them: `docker-archive:PATH[:REF]`.

Reading is here, for every kind there has been: with a manifest.json (Docker 1.10 and later), with an OCI layout next to
it (25 and later), and the v1 layout before that (`v1`). Writing is in `archive_writer`.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, BinaryIO

from python_docker.errors import Error, InvalidArchive, InvalidDocument, NotFound, UnsupportedFormat
from python_docker.image import Image
from python_docker.image.blob import Blob
from python_docker.image.blob_store import blob_path
from python_docker.spec.digest import Digest
from python_docker.spec.documents import fields
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.fields import Fields, json_field, read_document
from python_docker.spec.documents.image_config import ImageConfig
from python_docker.spec.documents.manifest import Index, Manifest
from python_docker.spec.limits import MAX_DOCUMENT_SIZE
from python_docker.spec.reference import ImageReference
from python_docker.spec.strict_json import parse_json
from python_docker.transports.archive_file import ArchiveFile
from python_docker.transports.docker.archive_names import choose_image, labels_of, parse_tag
from python_docker.transports.docker.archive_writer import ArchiveDestination, write_archive
from python_docker.transports.docker.archived_image import ArchivedImage, OpenedImage, describe_image, read_layers
from python_docker.transports.docker.v1 import v1_images
from python_docker.transports.location import Location
from python_docker.transports.medium import Source
from python_docker.transports.oci.index import images_of, reference_of
from python_docker.transports.oci.source import OciSource, TarFiles

if TYPE_CHECKING:
    from python_docker.registry.access.options import RegistryOptions

__all__ = ["ArchiveDestination", "ArchiveSource", "archived_images", "read_archive", "write_archive"]

_log = logging.getLogger("python_docker")

_OF_A_SYSTEM = frozenset({".dockerenv", "bin", "etc", "usr"})
_MAX_LIST = 20 << 20  # bytes of manifest.json, which names all images of the archive; containerd's limit too
_MAX_DEPTH = 4
_NAMED_BY_DIGEST = re.compile(r"(?:.*/|sha256:)?([a-f0-9]{64})(?:\.json)?")


_STRINGS = fields.list_of(fields.string())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry(Fields):
    """One image in manifest.json."""

    config: str = field(metadata=json_field("Config", fields.string()))
    tags: tuple[str, ...] | None = field(default=None, metadata=json_field("RepoTags", _STRINGS))
    layers: tuple[str, ...] | None = field(default=None, metadata=json_field("Layers", _STRINGS))


_read_entries = fields.list_of(_Entry.read)


class ArchiveSource:
    """A `Source`: the image of a docker archive that `name` means, a reference or `@` and a number; None: the only one.

    `images` are those of the archive, if they are known already. Raises `NotFound` when there is no such image, or no
    name and several images; `InvalidArchive`, `InvalidDocument` for what is not a docker archive.
    """

    def __init__(self, archive: ArchiveFile, name: str | None, images: Sequence[ArchivedImage] | None = None) -> None:
        if images is None:
            images = archived_images(archive)
        if images is None:
            raise InvalidArchive(f"{archive.name} is not a docker archive but an OCI image layout")
        image, self._reference = choose_image(images, name, archive.name)
        self._open = cache(image.open)

    @classmethod
    def open(cls, location: Location, registry: RegistryOptions | None = None) -> Source:
        """Open what a location names. An archive that is an OCI layout alone is read as one.

        Raises `NotFound` also when there is no such file.
        """
        archive = ArchiveFile.open(location.path)
        images = archived_images(archive)
        if images is None:
            return OciSource(TarFiles(archive), location.name)
        return cls(archive, location.name, images)

    @classmethod
    def open_all(cls, location: Location) -> dict[str, Source]:
        """Open each image in an archive."""
        archive = ArchiveFile.open(location.path)
        images = archived_images(archive)
        if images is None:
            return OciSource.every(TarFiles(archive))
        if len(images) < 2:
            return {"": cls(archive, None, images)}
        return {label: cls(archive, f"@{number}", images) for number, label in enumerate(labels_of(images))}

    @property
    def reference(self) -> ImageReference | None:
        return self._reference

    def root(self) -> Manifest | Index:
        """Return the image's manifest: that of the archive's OCI part where it has one, else one made from what is
        there.

        Compressed layers are read once to make one. Raises what is wrong with them, or with the config.
        """
        return self._open().manifest

    def child(self, descriptor: Descriptor) -> Manifest | Index:
        raise NotFound(f"a Docker archive holds no index, so there is no manifest {descriptor.digest}")

    def blob(self, descriptor: Descriptor) -> Blob:
        blob = self._open().blobs.get(descriptor.digest)
        if blob is None:
            raise NotFound(f"the image has no blob {descriptor.digest}")
        return blob.describe(descriptor)

    def close(self) -> None:
        """The file is closed with the last object that reads from it."""


def read_archive(source: str | os.PathLike[str] | BinaryIO) -> list[Image]:
    """Return the images of an archive in a file or file object: those of a docker archive, or of an OCI archive.

    Layers stay in the file and are read when they are used; a seekable file object must stay open for that. An image
    with several names has the first. Raises `NotFound` when there is no such file, `InvalidArchive` and others for
    what is not an image archive.
    """
    from python_docker.copying.choose import image_of

    archive = ArchiveFile.open(source)
    images = archived_images(archive)
    if images is not None:
        return [image_of(ArchiveSource(archive, f"@{number}", images)) for number in range(len(images))]
    files = TarFiles(archive)
    index = OciSource(files, None).index
    found: list[Image] = []
    other: UnsupportedFormat | None = None
    for number, _ in enumerate(images_of(index)):
        try:
            found.append(image_of(OciSource(files, f"@{number}", index=index)))
        except UnsupportedFormat as error:
            # Artifacts that are not images may be next to them.
            other = error
    if not found and other is not None:
        raise other
    return found


def archived_images(archive: ArchiveFile) -> list[ArchivedImage] | None:
    """Return the images of a docker archive of any kind; None when it is an OCI layout alone.

    Raises `InvalidArchive` for what is neither, `InvalidDocument` for a malformed manifest.json.
    """
    raw = archive.read("manifest.json", _MAX_LIST)
    if raw is not None:
        what = f"manifest.json of {archive.name}"
        value = parse_json(raw, what, limit=_MAX_LIST)
        if not isinstance(value, list):
            raise InvalidDocument(f"{what} is not the list of images that Docker writes")
        entries = read_document(_read_entries, value, what)
        oci_part = cache(lambda: _oci_manifests(archive))
        return [_archived(archive, entry, oci_part) for entry in entries]
    if archive.find("index.json") is not None:
        return None
    images = v1_images(archive)
    if images:
        return images
    if _OF_A_SYSTEM & {path.partition("/")[0] for path in archive}:
        raise InvalidArchive(
            f"{archive.name} holds the files of a container rather than an image (it has {archive.listed()}); "
            "`docker export` writes those, `docker save` and `podman save` write images"
        )
    # Says what is there instead.
    archive.get("manifest.json")
    return images


def _archived(
    archive: ArchiveFile, entry: _Entry, oci_part: Callable[[], Sequence[tuple[Descriptor, Manifest]]]
) -> ArchivedImage:
    return ArchivedImage(entry.tags or (), lambda: _open(archive, entry, oci_part()))


def _open(archive: ArchiveFile, entry: _Entry, oci_part: Sequence[tuple[Descriptor, Manifest]]) -> OpenedImage:
    config = _read_config(archive, entry.config)
    members = [archive.get(path) for path in entry.layers or ()]
    diff_ids = ImageConfig.parse(config, f"{entry.config[:200]!r} in {archive.name}").rootfs.diff_ids
    if len(members) != len(diff_ids):
        raise InvalidDocument(
            f"the layers ({len(members)}) that {archive.name} lists for an image and the diff IDs of its config "
            f"({len(diff_ids)}) must match"
        )
    digest = Digest.of(config)
    fitting = [
        (root, manifest)
        for root, manifest in oci_part
        if manifest.config.digest == digest
        and [(archive.find(blob_path(layer.digest)), layer.size) for layer in manifest.layers]
        == [(member, member.size) for member in members]
    ]
    if not fitting:
        return describe_image(config, read_layers(archive, members, diff_ids))
    # Of several that differ in annotations alone, the one that bears the image's name.
    names = {parse_tag(tag) for tag in entry.tags or ()}
    manifest = next((manifest for root, manifest in fitting if reference_of(root) in names), fitting[0][1])
    files = TarFiles(archive)
    blobs = [files.blob(descriptor) for descriptor in (*manifest.layers, manifest.config)]
    return OpenedImage(manifest, {blob.descriptor.digest: blob for blob in blobs})


def _read_config(archive: ArchiveFile, path: str) -> bytes:
    archive.get(path)
    config = archive.read(path, MAX_DOCUMENT_SIZE)
    assert config is not None
    named = _NAMED_BY_DIGEST.fullmatch(path)
    if named is not None and Digest.of(config).encoded != named[1]:
        # Other tools do not look; but nothing else in the archive says whether a config is what it was.
        _log.warning(
            "the image's config %r in %s has a different digest from its name, %s",
            path[:200],
            archive.name,
            Digest.of(config),
        )
    return config


def _oci_manifests(archive: ArchiveFile) -> list[tuple[Descriptor, Manifest]]:
    """Return the manifests in the OCI part of an archive, each with the descriptor in index.json that leads to it.

    manifest.json is what counts in a docker archive, so a part that is damaged is as good as none.
    """
    try:
        source = OciSource(TarFiles(archive), None)
    except Error:
        return []
    found: list[tuple[Descriptor, Manifest]] = []
    todo = [(root, root, 0) for root in reversed(images_of(source.index))]
    seen: set[tuple[Digest, Digest]] = set()
    while todo:
        root, descriptor, depth = todo.pop()
        if (root.digest, descriptor.digest) in seen:
            continue
        seen.add((root.digest, descriptor.digest))
        try:
            document = source.child(descriptor)
        except Error:
            continue
        if isinstance(document, Manifest):
            found.append((root, document))
        elif depth < _MAX_DEPTH:
            todo.extend((root, child, depth + 1) for child in reversed(document.manifests))
    return found
