"""What an engine's images are called: a name and a tag, or an image ID."""

from __future__ import annotations

import re

from python_docker.spec.reference import ImageReference

_ID = re.compile(r"sha256:[0-9a-f]{64}|[0-9a-f]{12,64}")


def is_image_id(name: str) -> bool:
    """Return whether a name is an image ID, whole or shortened, and no name and tag."""
    return _ID.fullmatch(name) is not None


def engine_name(image: str, tag: str | None = None) -> str:
    """Return what to call an image when speaking of it to an engine. Raises `InvalidReference` for what is not a name.

    >>> engine_name("team/app", "v1"), engine_name("ubuntu")
    ('team/app:v1', 'ubuntu:latest')
    """
    if tag is None and is_image_id(image):
        return image
    text = image if tag is None else f"{image}:{tag}"
    reference = ImageReference.parse(text, default_tag=None)
    # Kept as it was given: Podman knows `hello` as localhost/hello, not as docker.io/library/hello.
    return text if reference.tag or reference.digest else f"{text}:latest"
