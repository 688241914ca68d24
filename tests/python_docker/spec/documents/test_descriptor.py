"""Descriptors."""

from __future__ import annotations

import pytest

from python_docker.errors import UnsupportedFormat
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.media_types import ImageFormat
from python_docker.spec.platform import Platform

OCI_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip"
FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"


def test_a_layer_in_docker_s_words_loses_what_only_oci_has() -> None:
    layer = Descriptor.of(b"layer", OCI_GZIP, annotations={"a": "b"})
    assert layer.as_layer(ImageFormat.DOCKER) == Descriptor.of(b"layer", DOCKER_GZIP)
    assert layer.as_layer(ImageFormat.OCI) is layer


def test_docker_has_no_word_for_zstd() -> None:
    with pytest.raises(UnsupportedFormat):
        Descriptor.of(b"", "application/vnd.oci.image.layer.v1.tar+zstd").as_layer(ImageFormat.DOCKER)


def test_a_foreign_layer_is_elsewhere_if_it_says_where() -> None:
    layer = Descriptor.of(b"layer", FOREIGN, urls=("https://example.org/layer",))
    assert layer.is_elsewhere
    assert not layer.replace(urls=None).is_elsewhere
    assert layer.as_ordinary() == Descriptor.of(b"layer", DOCKER_GZIP)


def test_unknown_fields_are_kept() -> None:
    value = {**Descriptor.of(b"", OCI_GZIP).to_json(), "new": [1]}
    assert Descriptor.from_json(value).retyped(DOCKER_GZIP).to_json()["new"] == [1]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (None, None),
        ({"os": "linux"}, None),
        ({"os": "linux", "architecture": "x86_64"}, Platform("linux", "amd64")),
        ({"os": "linux", "architecture": "arm", "variant": "v7"}, Platform("linux", "arm", "v7")),
    ],
)
def test_the_platform_is_given_in_go_s_words(fields: dict[str, str] | None, expected: Platform | None) -> None:
    assert Descriptor.of(b"", OCI_GZIP, platform=fields).get_platform() == expected
