"""What the values of options mean that only the command line has: platforms of any image, places and names of images.

Like `conda_docker.arguments`, each function takes the name of the option and what was written. It raises the error of
the type that is read, or `ValueError` with the option's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from python_docker.spec.platform import Platform
    from python_docker.spec.reference import ImageReference
    from python_docker.transports import Location

_PAIR = r"[\w][\w./,:-]*="


def to_platform(name: str, text: str) -> Platform:
    """Return a platform, which may be written as the subdir of its conda packages. Raises `InvalidPlatform`.

    >>> str(to_platform("--platform", "linux/arm64")), str(to_platform("--platform", "linux-64"))
    ('linux/arm64', 'linux/amd64')
    """
    from python_docker.spec.platform import Platform

    word = text.strip().lower()
    if re.fullmatch(r"(linux|osx|win)-\w+", word):
        from conda_docker.environment.subdirs import platform_of_subdir

        return platform_of_subdir(word)
    return Platform.parse(text)


def to_platforms(name: str, texts: Iterable[str]) -> tuple[Platform, ...]:
    """Return the platforms of a build, each once and with packages for it. Raises `InvalidPlatform`."""
    from conda_docker import request

    return request.to_platforms(name, texts)


def to_source(name: str, text: str) -> Location:
    """Return a place that images are read from; what names none is a reference. Raises `InvalidReference`."""
    from python_docker.transports import Location

    return Location.parse(text, default_transport="docker")


def to_destination(name: str, text: str) -> Location:
    """Return a place that images are written to. Raises `InvalidReference`."""
    from python_docker.transports import Location

    if text.startswith("type="):
        raise ValueError(
            f"{name}: {text[:80]!r} is how docker buildx writes it; write app.tar, oci:DIR or docker://REF"
        )
    place = Location.parse(text)
    _check_name(place)
    return place


def _check_name(place: Location) -> None:
    """Raise `InvalidReference` where an image cannot have the name that a place gives it, before it is written."""
    if place.name is None:
        return
    if place.transport in ("oci", "oci-archive"):
        from python_docker.transports.oci.index import naming_annotations

        naming_annotations(place, None)
    else:
        from python_docker.spec.reference import ImageReference

        ImageReference.parse(place.name)


def to_destinations(name: str, texts: Iterable[str]) -> tuple[Location, ...]:
    """Return places that images are written to. Raises `InvalidReference`."""
    return tuple(to_destination(name, text) for text in texts)


def to_lines(name: str, texts: Iterable[str]) -> dict[str, str]:
    """Return a mapping of `NAME=VALUE`, of which one text may hold several, a line each.

    That is how docker/metadata-action gives labels and annotations. A text of which no line but the first has that form
    is one value with several lines. Empty lines at the ends, as YAML's blocks have them, belong to no value. Raises
    `ValueError` for what has no name or no value, and for lines of which only some have the form.

    >>> to_lines("--label", ["a=1\\nb=2", "c=one\\ntwo"])
    {'a': '1', 'b': '2', 'c': 'one\\ntwo'}
    """
    from conda_docker.arguments.values import to_mapping

    pairs: list[str] = []
    for text in texts:
        lines = [line for line in text.splitlines() if line.strip()]
        if not any(re.match(_PAIR, line) for line in lines[1:]):
            pairs.append(text.strip("\r\n"))
            continue
        odd = next((line for line in lines if not re.match(_PAIR, line)), None)
        if odd is not None:
            raise ValueError(f"{name}: expected NAME=VALUE on each line, got {odd[:200]!r} on one of {len(lines)}")
        pairs += lines
    return to_mapping(name, pairs)


def to_repository(name: str, text: str) -> str:
    """Return the name of a layer repository. Raises `InvalidReference`."""
    from conda_docker.arguments.layer_repository import LayerRepository

    return LayerRepository(text).reference


def to_image_names(name: str, texts: Sequence[str]) -> tuple[ImageReference, ...]:
    """Return `NAME[:TAG]` of each line, in order. Raises `InvalidReference`."""
    return tuple(to_image_name(name, line.strip()) for text in texts for line in text.splitlines() or [text])


def to_image_name(name: str, text: str) -> ImageReference:
    """Return `NAME[:TAG]`. Raises `InvalidReference`."""
    from python_docker.spec.reference import ImageReference

    reference = ImageReference.parse(text)
    if reference.digest is not None:
        raise ValueError(f"{name}: {text!r} contains a digest, but the digest of a new image is not known yet")
    return reference
