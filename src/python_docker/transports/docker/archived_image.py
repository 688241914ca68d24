"""Images in archives that know only config and layers: what a layer's file is, and the manifest that says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from python_docker.errors import InvalidLayer
from python_docker.image.blob import Blob
from python_docker.parallel import in_parallel
from python_docker.spec.digest import Digest, HashingReader, VerifyingReader
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.manifest import Manifest
from python_docker.spec.media_types import ImageFormat, layer_media_type
from python_docker.streams.compression import Compression, open_decompressed, sniff
from python_docker.transports.archive_file import ArchiveFile, Member

_READ_SIZE = 1 << 20
_READERS = 2


@dataclass(frozen=True, slots=True)
class OpenedImage:
    """A manifest, and the blobs that it names, by digest."""

    manifest: Manifest
    blobs: Mapping[Digest, Blob]


@dataclass(frozen=True, slots=True)
class ArchivedImage:
    """An image in an archive: its names as they are written there, and what reads its documents."""

    tags: tuple[str, ...]
    open: Callable[[], OpenedImage]


@dataclass(frozen=True, slots=True)
class ArchivedLayer:
    """What a layer's file holds: `digest` and `size` are those of the content that `opener` gives."""

    digest: Digest
    size: int
    compression: Compression
    diff_id: Digest
    opener: Callable[[], BinaryIO]


def read_layers(
    archive: ArchiveFile, members: Sequence[Member], diff_ids: Sequence[Digest | None]
) -> list[ArchivedLayer]:
    """Find out what layers' files are; a diff ID of None is not known.

    Reads what is compressed once, since nothing in these archives gives its digest, and raises `ContentMismatch` where
    it has another diff ID, `InvalidLayer` where it is damaged. A plain tar whose diff ID is known is checked later,
    when it is read.
    """
    calls = [partial(_read_layer, archive, member, diff_id) for member, diff_id in zip(members, diff_ids, strict=True)]
    return in_parallel(calls, _READERS)


def _read_layer(archive: ArchiveFile, member: Member, diff_id: Digest | None) -> ArchivedLayer:
    opener = partial(archive.open_member, member)
    what = f"layer {member.path[:200]!r} in {archive.name}"
    with opener() as stream:
        compression = sniff(stream.read(6))
    if compression is Compression.NONE and diff_id is not None:
        return ArchivedLayer(diff_id, member.size, compression, diff_id, opener)
    try:
        with opener() as stream:
            stored = HashingReader(stream)
            plain = HashingReader(open_decompressed(stored))
            _drain(plain if diff_id is None else VerifyingReader(plain, diff_id, None, f"the tar of {what}"))
            _drain(stored)
    except InvalidLayer as error:
        raise InvalidLayer(f"{what}: {error}") from error
    if compression in (Compression.GZIP, Compression.ZSTD):
        return ArchivedLayer(stored.digest, stored.size, compression, plain.digest, opener)
    # No format has a media type for other compressions: it is given as the plain tar that it stands for.
    return ArchivedLayer(
        plain.digest, plain.size, Compression.NONE, plain.digest, lambda: open_decompressed(archive.open_member(member))
    )


def _drain(stream: HashingReader | VerifyingReader) -> None:
    while stream.read(_READ_SIZE):
        pass


def describe_image(config: bytes, layers: Sequence[ArchivedLayer]) -> OpenedImage:
    """Return the image of a config and layers, bottom first: in Docker's format, unless it cannot hold their
    compression.
    """
    zstd = any(layer.compression is Compression.ZSTD for layer in layers)
    image_format = ImageFormat.OCI if zstd else ImageFormat.DOCKER
    descriptors = [
        Descriptor.new(layer_media_type(image_format, layer.compression), layer.digest, layer.size) for layer in layers
    ]
    config_blob = Blob.from_bytes(config, image_format.config_type)
    blobs = [Blob(descriptor, layer.opener) for descriptor, layer in zip(descriptors, layers, strict=True)]
    return OpenedImage(
        Manifest.new(image_format, config_blob.descriptor, descriptors),
        {blob.descriptor.digest: blob for blob in (*blobs, config_blob)},
    )
