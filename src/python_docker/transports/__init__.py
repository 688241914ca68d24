"""The media that images are read from and written to, one module each, behind one form of name (see `table`).

`open_source` and `open_destination` give the two ends of a copy, `open_image` one image, `write_image` writes one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from python_docker.image import Image
    from python_docker.progress import Progress
    from python_docker.registry.options import RegistryOptions
    from python_docker.spec.documents import Manifest
    from python_docker.spec.platform import Platform
    from python_docker.spec.reference import ImageReference
    from python_docker.transports.location import Location
    from python_docker.transports.medium import Destination, Source

__all__ = ["Location", "open_destination", "open_image", "open_source", "open_sources", "write_image"]


def __getattr__(name: str) -> object:
    """Import `Location` when it is first used: the command line's help asks the table of media alone."""
    if name != "Location":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from python_docker.transports.location import Location

    return Location


class _Opens(Protocol):
    """How the class of a medium is made, the source's or the destination's."""

    def open(self, location: Location, *arguments: object) -> object: ...


def _class(path: str) -> _Opens:
    """Import the class that a row of the table names."""
    module, _, name = path.partition(":")
    opens: _Opens = getattr(import_module(module), name)
    return opens


def open_source(location: str | Location, *, registry: RegistryOptions | None = None) -> Source:
    """Open what a location names, to read from. Close it after use.

    Raises `InvalidReference` for what is not a location, `NotFound` when nothing is there.
    """
    place = _parse(location, "docker")
    return cast("Source", _class(place.medium.source).open(place, registry))


def open_sources(location: str | Location, *, registry: RegistryOptions | None = None) -> dict[str, Source]:
    """Open each image that a location holds, by its number and name; for the only one the name is empty.

    Close them after use. Raises what `open_source` raises.
    """
    place = _parse(location, "docker")
    open_all = getattr(_class(place.medium.source), "open_all", None)
    if open_all is None or place.name is not None:
        return {"": open_source(place, registry=registry)}
    return cast("dict[str, Source]", open_all(place))


def open_destination(
    location: str | Location, *, reference: ImageReference | None = None, registry: RegistryOptions | None = None
) -> Destination:
    """Open what a location names, to write to: finish with `commit` or `abort`.

    `reference` is the name that the image gets where the location gives none. Raises `InvalidReference` for what is
    not a location, or names no image where one is needed.
    """
    place = _parse(location)
    return cast("Destination", _class(place.medium.destination).open(place, reference, registry))


def _parse(location: str | Location, default_transport: str | None = None) -> Location:
    if not isinstance(location, str):
        return location
    from python_docker.transports.location import Location

    return Location.parse(location, default_transport=default_transport)


def open_image(
    location: str | Location, *, platform: Platform | str | None = None, registry: RegistryOptions | None = None
) -> Image:
    """One image, lazily: manifest and config are read now, layers when they are used.

    Of a multi-platform image, the one for `platform` (Linux on this machine's processor when it is None). Raises
    `NotFound`, `PlatformNotFound`, and what `open_source` raises.
    """
    from python_docker.copying.choose import image_of
    from python_docker.spec.platform import Platform

    if isinstance(platform, str):
        platform = Platform.parse(platform)
    source = open_source(location, registry=registry)
    try:
        return image_of(source, platform)
    finally:
        source.close()


def write_image(
    image: Image,
    location: str | Location,
    *,
    registry: RegistryOptions | None = None,
    progress: Progress | None = None,
) -> Manifest:
    """Write one image, under the name that the location gives or else its own; gives the manifest as it was written.

    The result appears whole or not at all.
    """
    from python_docker.copying.copy import put_image

    reference = image.reference if image.name else None
    with destination(location, reference=reference, registry=registry) as open_:
        return put_image(image, open_, progress=progress)


@contextmanager
def destination(
    location: str | Location, *, reference: ImageReference | None = None, registry: RegistryOptions | None = None
) -> Iterator[Destination]:
    """Yield a destination that is committed when the block ends, aborted when it raises."""
    opened = open_destination(location, reference=reference, registry=registry)
    try:
        yield opened
        opened.commit()
    except BaseException:
        opened.abort()
        raise
