"""Media types in Docker's words and in OCI's."""

from __future__ import annotations

import pytest

from python_docker.errors import UnsupportedFormat
from python_docker.spec.media_types import FOREIGN_LAYERS, ImageFormat, layer_compression, layer_media_type
from python_docker.streams.compression import Compression


@pytest.mark.parametrize("foreign", [False, True])
@pytest.mark.parametrize("image_format", list(ImageFormat))
@pytest.mark.parametrize("compression", [Compression.NONE, Compression.GZIP, Compression.ZSTD])
def test_a_layer_s_type_tells_format_and_compression(
    image_format: ImageFormat, compression: Compression, foreign: bool
) -> None:
    if (image_format, compression) == (ImageFormat.DOCKER, Compression.ZSTD):
        with pytest.raises(UnsupportedFormat, match="use gzip, or the oci format"):
            layer_media_type(image_format, compression, foreign=foreign)
        return
    media_type = layer_media_type(image_format, compression, foreign=foreign)
    assert layer_compression(media_type) is compression
    assert ImageFormat.of(media_type) is image_format
    assert (media_type in FOREIGN_LAYERS) is foreign


@pytest.mark.parametrize("compression", [Compression.BZIP2, Compression.XZ])
def test_no_format_has_layers_of_other_compressions(compression: Compression) -> None:
    for image_format in ImageFormat:
        with pytest.raises(UnsupportedFormat):
            layer_media_type(image_format, compression)


def test_what_is_no_layer_has_no_compression() -> None:
    assert layer_compression("application/vnd.in-toto+json") is None
    assert layer_compression("") is None


def test_zstd_under_docker_s_name_is_read() -> None:
    assert layer_compression("application/vnd.docker.image.rootfs.diff.tar.zstd") is Compression.ZSTD


def test_the_documents_of_each_format() -> None:
    for image_format in ImageFormat:
        for media_type in (image_format.manifest_type, image_format.index_type, image_format.config_type):
            assert ImageFormat.of(media_type) is image_format
