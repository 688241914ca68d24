"""How much of an image a place must be sent, found out without writing there."""

from __future__ import annotations

from pathlib import Path

import pytest

from python_docker import open_image, write_image
from python_docker.copying.conversion import Conversion
from python_docker.copying.copy import copy_image
from python_docker.errors import RegistryError
from python_docker.image import Image
from python_docker.image.blob import Blob
from python_docker.streams.compression import Compression
from python_docker.transports.location import Location
from python_docker.transports.sending import bytes_to_send
from tests import peers
from tests.images import hello_config, layer_tar, write_oci_layout

LAYERS = [layer_tar({"etc/greeting": b"hello\n"}), layer_tar({"top": b"x" * 100_000})]


@pytest.fixture
def image(tmp_path: Path) -> Image:
    write_oci_layout(tmp_path / "source", LAYERS, tag="v1", runtime=hello_config())
    return open_image(f"oci:{tmp_path}/source")


def blobs(image: Image) -> list[Blob]:
    return [layer.blob for layer in image.layers]


def sizes(image: Image, *, sent: bool) -> dict[str, int]:
    return {layer.digest: layer.size if sent else 0 for layer in image.layers}


def test_a_new_place_is_sent_all_and_nothing_is_written(image: Image, tmp_path: Path) -> None:
    for place in (f"oci:{tmp_path}/new", f"docker-archive:{tmp_path}/new.tar", f"dir:{tmp_path}/new-folder"):
        assert bytes_to_send(blobs(image), Location.parse(place)) == sizes(image, sent=True)
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_a_layout_is_not_sent_what_it_has(image: Image, tmp_path: Path) -> None:
    place = f"oci:{tmp_path}/there"
    write_image(image, place)
    assert bytes_to_send(blobs(image), Location.parse(place)) == sizes(image, sent=False)


def test_what_is_compressed_anew_has_no_size_yet(image: Image, tmp_path: Path) -> None:
    copy_image(f"oci:{tmp_path}/source", f"oci:{tmp_path}/zstd", conversion=Conversion(compression=Compression.ZSTD))
    compressed = blobs(open_image(f"oci:{tmp_path}/zstd"))
    assert set(bytes_to_send(compressed, Location.parse(f"docker-archive:{tmp_path}/a.tar")).values()) == {None}


def test_a_registry_is_asked_for_each_layer(image: Image, registry: peers.Registry, repository: str) -> None:
    place = Location.parse(f"docker://{registry.host}/{repository}:1")
    before = len(registry.requests())
    assert bytes_to_send(blobs(image), place) == sizes(image, sent=True)
    assert {request.method for request in registry.requests(before)} <= {"GET", "HEAD"}
    write_image(image, place)
    assert bytes_to_send(blobs(image), place) == sizes(image, sent=False)


def test_what_can_be_mounted_is_not_sent(image: Image, registry: peers.Registry, repository: str) -> None:
    write_image(image, f"docker://{registry.host}/{repository}/a:1")
    pulled = open_image(f"docker://{registry.host}/{repository}/a:1")
    place = Location.parse(f"docker://{registry.host}/{repository}/b:1")
    assert bytes_to_send(blobs(pulled), place) == sizes(image, sent=False)


def test_a_registry_that_cannot_be_reached_is_an_error(image: Image) -> None:
    with pytest.raises(RegistryError):
        bytes_to_send(blobs(image), Location.parse("docker://localhost:1/a:1"))
