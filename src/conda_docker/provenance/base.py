"""The base image that an image says it was built on, by its labels and annotations."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from python_docker.image import Image

BASE_NAME = "org.opencontainers.image.base.name"
"""The label and annotation with the name of the base image (image-spec, annotations.md)."""
BASE_DIGEST = "org.opencontainers.image.base.digest"
"""The one with the digest of its manifest."""


def base_of(image: Image) -> tuple[str | None, str | None]:
    """Return the name and the digest of the base that an image says it was built on; None for what it does not say."""
    labels = {**image.annotations, **dict(image.config["Labels"])}
    return labels.get(BASE_NAME) or None, labels.get(BASE_DIGEST) or None
