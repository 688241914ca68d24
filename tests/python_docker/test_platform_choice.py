"""Which image of several is the one for a platform."""

from __future__ import annotations

from pathlib import Path

import pytest

from python_docker.errors import PlatformNotFound
from python_docker.image import Image
from python_docker.media_types import ImageFormat
from python_docker.platform import Platform
from python_docker.platform_choice import select_platform
from python_docker.spec import Descriptor, Index
from python_docker.transports import open_image, write_image


def index_of(*platforms: str | None) -> Index:
    descriptors = []
    for number, text in enumerate(platforms):
        descriptor = Descriptor.of(str(number).encode(), ImageFormat.OCI.manifest_type)
        if text is not None:
            parts = dict(zip(("os", "architecture", "variant"), text.split("/"), strict=False))
            descriptor = descriptor.replace(platform=parts)
        descriptors.append(descriptor)
    return Index.new(ImageFormat.OCI, descriptors)


def chosen(index: Index, platform: str | None) -> int:
    wanted = Platform.parse(platform) if platform else None
    return index.manifests.index(select_platform(index, wanted))


@pytest.mark.parametrize(
    ("platforms", "wanted", "place"),
    [
        (["linux/amd64", "linux/arm64/v8"], "linux/arm64", 1),
        (["linux/arm64", "linux/amd64"], "linux/arm64/v8", 0),
        (["linux/arm/v6", "linux/arm/v7"], "linux/arm", 1),
        (["linux/arm/v6", "linux/amd64"], "linux/arm", 0),
        (["linux/amd64", "linux/amd64"], "linux/amd64", 0),
        (["unknown/unknown", "linux/amd64"], "linux/amd64", 1),
        ([None], "linux/s390x", 0),
        (["linux/s390x"], None, 0),
    ],
)
def test_the_one_that_suits(platforms: list[str | None], wanted: str | None, place: int) -> None:
    assert chosen(index_of(*platforms), wanted) == place


@pytest.mark.parametrize("wanted", ["linux/arm/v5", "windows/amd64", "linux/riscv64"])
def test_none_that_suits_is_an_error_that_lists_them(wanted: str) -> None:
    with pytest.raises(PlatformNotFound, match=r"linux/amd64, linux/arm/v7"):
        chosen(index_of("linux/amd64", "linux/arm/v7"), wanted)


def test_a_single_image_for_another_platform_is_refused_when_one_is_asked_for(tmp_path: Path) -> None:
    image = Image("x", "y", platform=Platform.parse("linux/arm/v6"))
    image.add_layer_contents({"/a": b""})
    write_image(image, f"{tmp_path}/x.tar")
    assert open_image(f"{tmp_path}/x.tar").platform == image.platform
    assert open_image(f"{tmp_path}/x.tar", platform="linux/arm").platform == image.platform
    with pytest.raises(PlatformNotFound, match="linux/arm/v6"):
        open_image(f"{tmp_path}/x.tar", platform="linux/amd64")
