"""ImageItem: an image as bills of materials name it, and the base that it is on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conda_docker.provenance.base import base_of
from conda_docker.sbom.purl import image_purl
from python_docker.errors import InvalidReference
from python_docker.spec.reference import ImageReference

if TYPE_CHECKING:
    from python_docker.image import Image


@dataclass(frozen=True, slots=True)
class ImageItem:
    """An image: the one that the bill is of, or its base.

    Of the image that a bill is in, neither digest nor purl can be said.
    """

    name: str
    digest: str | None = None
    purl: str | None = None


def image_item(image: Image, digest: str) -> ImageItem:
    """Return an image whose manifest has this digest."""
    try:
        reference = image.reference
    except InvalidReference:  # an image may be called anything while it is in memory, or nothing
        return ImageItem(image.name or "image", digest, image_purl("", digest))
    return ImageItem(reference.familiar, digest, image_purl(reference.name, digest, reference.tag))


def base_item(image: Image) -> ImageItem | None:
    """Return the base that an image says it is on; None where it says none."""
    name, digest = base_of(image)
    if digest is None:
        return None
    try:
        reference = ImageReference.parse(name or "")
    except InvalidReference:
        return ImageItem(name or "base image", digest, image_purl("", digest))
    return ImageItem(reference.familiar, digest, image_purl(reference.name, digest, reference.tag))
