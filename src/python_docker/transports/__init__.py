"""The media that images are read from and written to, one module each, behind one form of name.

`open_source` and `open_destination` give the two ends of a copy, `open_image` one image, `write_image` writes one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from python_docker.spec.platform import Platform
from python_docker.transports.location import Location

if TYPE_CHECKING:
    from python_docker.http.options import RegistryOptions
    from python_docker.image import Image
    from python_docker.progress import Progress
    from python_docker.spec.documents import Manifest
    from python_docker.spec.reference import ImageReference
    from python_docker.transports.medium import Destination, Source

__all__ = ["Location", "open_destination", "open_image", "open_source", "write_image"]


def open_source(location: str | Location, *, registry: RegistryOptions | None = None) -> Source:
    """What a location names, to read from. Close it after use.

    Raises `InvalidReference` for what is no location, `NotFound` when nothing is there.
    """
    if isinstance(location, str):
        location = Location.parse(location, default_transport="docker")
    if location.transport == "docker":
        from python_docker.registry.medium import RegistrySource

        return RegistrySource.open(location, registry)
    if location.transport == "docker-daemon":
        from python_docker.transports.docker_engine import EngineSource

        return EngineSource.open(location)
    if location.transport == "docker-archive":
        from python_docker.transports.docker_archive import ArchiveSource

        return ArchiveSource.open(location)
    if location.transport == "oci":
        from python_docker.transports.oci_layout import OciLayoutSource

        return OciLayoutSource.open(location)
    from python_docker.transports.oci_archive import OciArchiveSource

    return OciArchiveSource.open(location)


def open_destination(
    location: str | Location, *, reference: ImageReference | None = None, registry: RegistryOptions | None = None
) -> Destination:
    """What a location names, to write to: finish with `commit` or `abort`.

    `reference` is the name that the image gets where the location gives none. Raises `InvalidReference` for what is
    no location, or names no image where one is needed.
    """
    if isinstance(location, str):
        location = Location.parse(location)
    if location.transport == "docker":
        from python_docker.registry.medium import RegistryDestination

        return RegistryDestination.open(location, registry)
    if location.transport == "docker-daemon":
        from python_docker.transports.docker_engine import EngineDestination

        return EngineDestination.open(location, reference)
    if location.transport == "docker-archive":
        from python_docker.transports.docker_archive import ArchiveDestination

        return ArchiveDestination.open(location, reference)
    if location.transport == "oci":
        from python_docker.transports.oci_layout import OciLayoutDestination

        return OciLayoutDestination.open(location, reference)
    from python_docker.transports.oci_archive import OciArchiveDestination

    return OciArchiveDestination.open(location, reference)


def open_image(
    location: str | Location, *, platform: Platform | str | None = None, registry: RegistryOptions | None = None
) -> Image:
    """One image, lazily: manifest and config are read now, layers when they are used.

    Of a multi-platform image, the one for `platform` (Linux on this machine's processor when it is None). Raises
    `NotFound`, `PlatformNotFound`, and what `open_source` raises.
    """
    from python_docker.copy import image_of

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
    from python_docker.copy import put_image

    reference = image.reference if image.name else None
    with destination(location, reference=reference, registry=registry) as open_:
        return put_image(image, open_, progress=progress)


@contextmanager
def destination(
    location: str | Location, *, reference: ImageReference | None = None, registry: RegistryOptions | None = None
) -> Iterator[Destination]:
    """A destination that is committed when the block ends, aborted when it raises."""
    opened = open_destination(location, reference=reference, registry=registry)
    try:
        yield opened
        opened.commit()
    except BaseException:
        opened.abort()
        raise
