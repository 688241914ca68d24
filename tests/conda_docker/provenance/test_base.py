"""The base that an image says it was built on."""

from __future__ import annotations

from conda_docker.provenance.base import BASE_DIGEST, BASE_NAME, base_of
from python_docker.image import Image


def test_an_image_that_says_nothing() -> None:
    assert base_of(Image()) == (None, None)


def test_a_base_that_labels_name() -> None:
    image = Image()
    image.config["Labels"] = {BASE_NAME: "debian:12", BASE_DIGEST: ""}
    assert base_of(image) == ("debian:12", None)
