"""The image that a bill is of, and the base that it is on."""

from __future__ import annotations

import pytest

from conda_docker.sbom.image_item import base_item, image_item
from python_docker.image import Image

DIGEST = f"sha256:{64 * 'a'}"


def test_an_image_with_a_name() -> None:
    item = image_item(Image("ghcr.io/team/app", "v1"), DIGEST)
    assert (item.name, item.digest) == ("ghcr.io/team/app:v1", DIGEST)
    assert (item.purl or "").startswith("pkg:oci/app@sha256")


def test_an_image_that_is_called_anything() -> None:
    assert image_item(Image("Not A Name", "v1"), DIGEST).name == "Not A Name"


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ((None, None), None),
        (("debian:12", DIGEST), "debian:12"),
        (("", DIGEST), "base image"),
        (("A B", DIGEST), "A B"),
    ],
)
def test_the_base_that_it_is_on(
    said: tuple[str | None, str | None], name: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conda_docker.sbom.image_item.base_of", lambda image: said)
    found = base_item(Image())
    assert (found and found.name) == name
