"""Conversion: what changes on the way because it was asked for, or because it cannot be kept there."""

from __future__ import annotations

from pathlib import Path

import pytest

from python_docker.copying.copy import (
    Conversion,
    put_image,
)
from python_docker.errors import UnsupportedFormat
from python_docker.image.blob_store import BlobStore
from python_docker.spec.media_types import ImageFormat
from python_docker.streams.compression import Compression
from tests.python_docker.in_memory import Kept, limited
from tests.python_docker.making import HELLO, MORE, Made


def test_the_format_follows_the_destination() -> None:
    made = Made([HELLO, MORE])
    kept = limited([ImageFormat.DOCKER])
    manifest = put_image(made.image(), kept)
    assert manifest.format is ImageFormat.DOCKER
    assert [layer.digest for layer in manifest.layers] == [layer["digest"] for layer in made.value["layers"]]
    assert manifest.config.digest == made.value["config"]["digest"]
    assert kept.blobs == made.blobs


@pytest.mark.parametrize("staged", [False, True])
def test_the_compression_follows_the_destination(staged: bool, tmp_path: Path) -> None:
    made = Made([HELLO, MORE], compression=Compression.ZSTD)
    kept = limited(compressions=[Compression.GZIP], staging=BlobStore(tmp_path) if staged else None)
    manifest = put_image(made.image(), kept)
    assert [layer.media_type.rpartition("+")[2] for layer in manifest.layers] == ["gzip", "gzip"]
    assert [kept.tar(layer) for layer in manifest.layers] == [HELLO, MORE]
    assert manifest.config.digest == made.value["config"]["digest"]


def test_what_a_destination_cannot_keep_is_unpacked_with_a_word(caplog: pytest.LogCaptureFixture) -> None:
    made = Made([HELLO], compression=Compression.ZSTD)
    kept = limited(compressions=[Compression.GZIP, Compression.NONE])
    assert put_image(made.image(), kept).layers[0].media_type == "application/vnd.oci.image.layer.v1.tar"
    assert "layers are written uncompressed: the destination cannot hold zstd" in caplog.text
    caplog.clear()
    put_image(made.image(), Kept(), conversion=Conversion(compression=Compression.GZIP))
    assert caplog.text == "", "it was asked for"


@pytest.mark.parametrize("compression", [Compression.NONE, Compression.GZIP, Compression.ZSTD])
@pytest.mark.parametrize("wanted", [Compression.NONE, Compression.GZIP, Compression.ZSTD])
def test_the_compression_that_is_asked_for(compression: Compression, wanted: Compression) -> None:
    made = Made([HELLO, HELLO, MORE], compression=compression)
    kept = Kept()
    manifest = put_image(made.image(), kept, conversion=Conversion(compression=wanted))
    assert (manifest.raw == made.root().raw) is (compression is wanted)
    assert [kept.tar(layer) for layer in manifest.layers] == [HELLO, HELLO, MORE]
    assert manifest.layers[0] == manifest.layers[1]


def test_zstd_makes_an_image_oci_s() -> None:
    made = Made(image_format=ImageFormat.DOCKER)
    assert (
        put_image(made.image(), Kept(), conversion=Conversion(compression=Compression.ZSTD)).format is ImageFormat.OCI
    )
    with pytest.raises(UnsupportedFormat, match="zstd"):
        put_image(made.image(), Kept(), conversion=Conversion(ImageFormat.DOCKER, Compression.ZSTD))


def test_what_cannot_be_written_is_refused() -> None:
    image = Made().image()
    with pytest.raises(UnsupportedFormat, match="this destination cannot hold an image in the docker format"):
        put_image(image, limited([ImageFormat.OCI]), conversion=Conversion(ImageFormat.DOCKER))
    with pytest.raises(UnsupportedFormat, match="this destination cannot hold zstd layers"):
        put_image(image, limited(compressions=[Compression.GZIP]), conversion=Conversion(compression=Compression.ZSTD))


def test_what_is_no_layer_is_copied_but_not_looked_at() -> None:
    made = Made([HELLO, MORE], compression=Compression.NONE)
    made.value["layers"][1] = made.put(MORE, "application/x-own")
    kept = Kept()
    manifest = put_image(made.image(), kept, conversion=Conversion(compression=Compression.GZIP))
    assert [layer.media_type for layer in manifest.layers] == [
        "application/vnd.oci.image.layer.v1.tar+gzip",
        "application/x-own",
    ]
    assert kept.blobs[manifest.layers[1].digest] == MORE
