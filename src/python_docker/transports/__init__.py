"""The media that images are read from and written to, one module each, behind one form of name (see `table`).

`open_source` and `open_destination` give the two ends of a copy, `open_image` one image, `write_image` writes one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from python_docker.argument_types import check_method, check_optional, check_type
from python_docker.transports.opening import (
    destination,
    destination_class,
    open_destination,
    open_source,
    open_sources,
)

if TYPE_CHECKING:
    from python_docker.image import Image
    from python_docker.progress import Progress
    from python_docker.registry.access.options import RegistryOptions
    from python_docker.spec.documents.manifest import Manifest
    from python_docker.spec.platform import Platform
    from python_docker.transports.location import Location

__all__ = [
    "Location",
    "destination",
    "destination_class",
    "open_destination",
    "open_image",
    "open_source",
    "open_sources",
    "write_image",
]


def __getattr__(name: str) -> object:
    """Import `Location` when it is first used: the command line's help asks the table of media alone."""
    if name != "Location":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from python_docker.transports.location import Location

    return Location


def open_image(
    location: str | Location, *, platform: Platform | str | None = None, registry: RegistryOptions | None = None
) -> Image:
    """Open one image, lazily: manifest and config are read now, layers when they are used.

    Of a multi-platform image, the one for `platform` (Linux on this machine's processor when it is None). Raises
    `NotFound`, `PlatformNotFound`, and what `open_source` raises.
    """
    from python_docker.copying.choose import image_of
    from python_docker.spec.platform import Platform

    platform = Platform.parse(platform) if isinstance(platform, str) else platform
    check_optional("platform", platform, Platform)
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
    from python_docker.image import Image

    check_type("image", image, Image, "open_image opens one by its name")
    if progress is not None:
        check_method("progress", progress, "start")
    reference = image.reference if image.name else None
    with destination(location, reference=reference, registry=registry) as open_:
        return put_image(image, open_, progress=progress)
