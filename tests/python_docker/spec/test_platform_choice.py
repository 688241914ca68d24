"""Which image of an index is taken."""

from __future__ import annotations

import pytest

from python_docker.errors import PlatformNotFound
from python_docker.spec.digest import Digest
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.manifest import Index
from python_docker.spec.media_types import OCI_MANIFEST, ImageFormat
from python_docker.spec.platform import Platform
from python_docker.spec.platform_choice import select_platform


def index_of(*platforms: str | None) -> Index:
    """An index of these platforms; the size of each entry is its number."""
    descriptors = []
    for number, platform in enumerate(platforms):
        parsed = Platform(*platform.split("/")) if platform else None
        fields = (
            {"os": parsed.os, "architecture": parsed.architecture}
            | ({"variant": parsed.variant} if parsed.variant else {})
            if parsed
            else None
        )
        descriptor = Descriptor.new(OCI_MANIFEST, Digest.of(b"%d" % number), number)
        descriptors.append(descriptor.replace(platform=fields))
    return Index.new(ImageFormat.OCI, descriptors)


def chosen(platform: str | None, *platforms: str | None) -> int:
    return select_platform(index_of(*platforms), Platform.parse(platform) if platform else None).size


MANY = ("linux/amd64", "linux/arm/v6", "linux/arm/v7", "linux/arm64/v8", "windows/amd64", "unknown/unknown")


@pytest.mark.parametrize(
    ("platform", "number"),
    [
        ("linux/amd64", 0),
        ("amd64", 0),
        ("linux/arm/v6", 1),
        ("linux/arm", 2),
        ("linux/arm/v7", 2),
        ("linux/arm64", 3),
        ("linux/arm64/v8", 3),
        ("windows/amd64", 4),
    ],
)
def test_the_image_for_a_platform(platform: str, number: int) -> None:
    assert chosen(platform, *MANY) == number


def test_the_host_s_own_where_none_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert chosen(None, *MANY) == 3


def test_the_first_of_several() -> None:
    assert chosen("linux/amd64", "linux/arm64", "linux/amd64", "linux/amd64") == 1


def test_another_variant_where_none_was_asked_for() -> None:
    assert chosen("linux/arm", "linux/amd64", "linux/arm/v6") == 1
    with pytest.raises(PlatformNotFound):
        chosen("linux/arm/v7", "linux/amd64", "linux/arm/v6")


def test_the_only_one_where_none_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert chosen(None, "linux/s390x") == 0
    assert chosen(None, "linux/s390x", "unknown/unknown") == 0
    assert chosen("linux/amd64", None) == 0
    with pytest.raises(PlatformNotFound, match="there is no image for linux/amd64; there are: linux/s390x"):
        chosen("linux/amd64", "linux/s390x")


def test_attestations_are_never_taken() -> None:
    with pytest.raises(PlatformNotFound, match="names no image for any platform"):
        chosen("linux/amd64", "unknown/unknown")


def test_an_empty_index_has_nothing() -> None:
    with pytest.raises(PlatformNotFound):
        chosen(None)
