"""Layers in archives that have no digests: what each file is, and the manifest that says so."""

from __future__ import annotations

import io

import pytest

from python_docker.errors import ContentMismatch, InvalidLayer
from python_docker.spec.digest import Digest
from python_docker.spec.media_types import ImageFormat
from python_docker.streams.compression import Compression
from python_docker.transports.archive_file import ArchiveFile
from python_docker.transports.docker.archived_image import ArchivedLayer, describe_image, read_layers
from tests.archives import tar_of
from tests.images import layer_tar
from tests.python_docker.making import compress

TAR = layer_tar({"f": b"x" * 5000})


def read(content: bytes, diff_id: Digest | None = None) -> ArchivedLayer:
    archive = ArchiveFile.open(io.BytesIO(tar_of({"layer.tar": content})))
    [layer] = read_layers(archive, [archive.get("layer.tar")], [diff_id])
    return layer


@pytest.mark.parametrize("compression", [Compression.NONE, Compression.GZIP, Compression.ZSTD])
def test_a_layer_is_what_its_file_is(compression: Compression) -> None:
    stored = compress(TAR, compression)
    layer = read(stored)
    assert (layer.digest, layer.size, layer.diff_id) == (Digest.of(stored), len(stored), Digest.of(TAR))
    assert layer.compression is compression
    with layer.opener() as stream:
        assert stream.read() == stored


def test_a_plain_tar_whose_diff_id_is_known_is_not_read() -> None:
    layer = read(b"not the tar that it should be", Digest.of(TAR))
    assert (layer.digest, layer.diff_id) == (Digest.of(TAR), Digest.of(TAR))


def test_another_diff_id_than_the_config_has() -> None:
    with pytest.raises(ContentMismatch, match=r"the tar of layer 'layer\.tar'"):
        read(compress(TAR, Compression.GZIP), Digest.of(b"other"))


def test_a_damaged_layer_is_named() -> None:
    with pytest.raises(InvalidLayer, match=r"layer 'layer\.tar' in "):
        read(compress(TAR, Compression.GZIP)[:-20])


@pytest.mark.parametrize(
    ("compressions", "expected"),
    [
        ([Compression.GZIP, Compression.NONE], ImageFormat.DOCKER),
        ([Compression.GZIP, Compression.ZSTD], ImageFormat.OCI),
    ],
)
def test_dockers_format_is_taken_where_it_can_hold_the_layers(
    compressions: list[Compression], expected: ImageFormat
) -> None:
    layers = [read(compress(TAR, compression)) for compression in compressions]
    image = describe_image(b"{}", layers)
    assert image.manifest.format is expected
    assert [layer.digest for layer in image.manifest.layers] == [layer.digest for layer in layers]
    assert set(image.blobs) == {image.manifest.config.digest, *(layer.digest for layer in layers)}
