"""Which image of a docker archive a name means, and what the images are called where one is to be chosen."""

from __future__ import annotations

import re
from collections.abc import Sequence

from python_docker.errors import InvalidReference, NotFound
from python_docker.spec.reference import ImageReference
from python_docker.transports.docker.archived_image import ArchivedImage

_LISTED = 20


def choose_image(
    images: Sequence[ArchivedImage], name: str | None, where: str
) -> tuple[ArchivedImage, ImageReference | None]:
    """Return the image that `name` means, a reference or `@` and a number, and its reference; None: the only one.

    Raises `NotFound` when there is no such image in `where`, or no name and several images.
    """
    if not images:
        raise NotFound(f"{where} holds no image")
    if name is None:
        if len(images) > 1:
            raise NotFound(
                f"{where} holds {len(images)} images; say which one by its name or @number: {_listing(images)}"
            )
        return images[0], _first_reference(images[0])
    if name.startswith("@"):
        number = int(name[1:]) if re.fullmatch(r"@[0-9]{1,6}", name) else len(images)
        if number >= len(images):
            raise NotFound(f"{where} has no image {name[:20]}; there are: {_listing(images)}")
        return images[number], _first_reference(images[number])
    wanted = ImageReference.parse(name)
    # Docker gives a name that occurs twice to the last.
    for image in reversed(images):
        if wanted in map(parse_tag, image.tags):
            return image, wanted
    raise NotFound(f"{where} has no image {name[:300]!r}; there are: {_listing(images)}")


def labels_of(images: Sequence[ArchivedImage]) -> list[str]:
    """Return what the images of an archive are called in a list to choose from."""
    return [
        f"{' or '.join(tag[:120] for tag in image.tags[:3]) or 'without a name'} (@{number})"
        for number, image in enumerate(images)
    ]


def parse_tag(tag: str) -> ImageReference | None:
    """Return a name in an archive as a reference, None where it is not one."""
    try:
        return ImageReference.parse(tag)
    except InvalidReference:
        return None


def _first_reference(image: ArchivedImage) -> ImageReference | None:
    return next((reference for tag in image.tags if (reference := parse_tag(tag)) is not None), None)


def _listing(images: Sequence[ArchivedImage]) -> str:
    lines = labels_of(images)
    more = [f"and {len(lines) - _LISTED} more"] if len(lines) > _LISTED else []
    return ", ".join(lines[:_LISTED] + more)
