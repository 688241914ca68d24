"""Images for several platforms under one name."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.image.index import finish_images
from python_docker import Image
from python_docker.copying.choose import image_of
from python_docker.copying.delivery import Delivery
from python_docker.errors import UnsupportedFormat
from python_docker.spec.documents.manifest import Index, Manifest
from python_docker.spec.platform import Platform
from python_docker.transports import Location, open_source
from tests import peers


def image_for(platform: str) -> Image:
    image = Image("demo", "v1", platform=Platform.parse(platform))
    image.add_layer_contents({"etc/platform": platform.encode(), "etc/same": b"same"})
    return image


def write_images(images: list[Image], place: str) -> Manifest | Index:
    """Write images to one place, under the first one's name, and return what that means now."""
    with Delivery([Location.parse(place)], reference=images[0].reference) as delivery:
        [written] = finish_images(images, delivery)
    return written


def test_one_image_is_written_as_it_is(tmp_path: Path) -> None:
    image = image_for("linux/amd64")
    assert write_images([image], f"oci:{tmp_path}/out").digest == image.digest
    assert open_source(f"oci:{tmp_path}/out:demo:v1").root().digest == image.digest


@pytest.mark.parametrize("place", ["oci:{}/out", "oci-archive:{}/out.tar"])
def test_several_are_an_index(place: str, tmp_path: Path) -> None:
    images = [image_for(platform) for platform in ("linux/amd64", "linux/arm64", "linux/arm/v7")]
    index = write_images(images, place.format(tmp_path))
    assert isinstance(index, Index)
    source = open_source(place.format(tmp_path))
    assert source.root().raw == index.raw
    for image in images:
        found = image_of(source, image.platform)
        assert found.digest == image.digest
        assert found.list_files() == image.list_files()
    assert [str(child.get_platform()) for child in index.manifests] == ["linux/amd64", "linux/arm64", "linux/arm/v7"]


def test_an_archive_of_docker_holds_no_index(tmp_path: Path) -> None:
    images = [image_for(platform) for platform in ("linux/amd64", "linux/arm64")]
    with pytest.raises(UnsupportedFormat, match="oci-archive"):
        write_images(images, str(tmp_path / "out.tar"))
    assert list(tmp_path.iterdir()) == []


def test_two_images_of_one_platform_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFormat, match="two images for linux/amd64"):
        write_images([image_for("linux/amd64"), image_for("linux/amd64")], f"oci:{tmp_path}/out")
    assert list(tmp_path.iterdir()) == []


def test_a_registry_and_skopeo_take_it(registry: peers.Registry, repository: str, skopeo: peers.Program) -> None:
    images = [image_for(platform) for platform in ("linux/amd64", "linux/arm64")]
    index = write_images(images, f"docker://{registry.host}/{repository}:v1")
    reference = f"docker://{registry.host}/{repository}:v1"
    assert skopeo("inspect", "--raw", reference).stdout.encode() == index.raw
    arm = skopeo("--override-arch", "arm64", "inspect", "--format", "{{.Architecture}}", reference)
    assert arm.stdout.strip() == "arm64"
