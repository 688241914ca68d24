"""One image for each of several platforms, written under one name: an index (image-spec, image-index.md)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from python_docker.copying.copy import AS_IT_IS, put_image
from python_docker.copying.referrer import put_referrer
from python_docker.errors import UnsupportedFormat
from python_docker.progress import SILENT, Progress
from python_docker.spec.documents import Index
from python_docker.spec.media_types import ImageFormat
from python_docker.transports import destination
from python_docker.transports.table import INDEX_FORMS

if TYPE_CHECKING:
    from python_docker.copying.referrer import Referrer
    from python_docker.image import Image
    from python_docker.registry.options import RegistryOptions
    from python_docker.spec.documents import Manifest
    from python_docker.transports import Location
    from python_docker.transports.medium import Destination


def write_images(
    images: Sequence[Image],
    location: str | Location,
    *,
    attach: Callable[[Image, Manifest], Sequence[Referrer]] | None = None,
    registry: RegistryOptions | None = None,
    progress: Progress = SILENT,
) -> Manifest | Index:
    """Write images to one place, under the name that it gives or else the first image's; gives what the name now means.

    One image is written as it is, several as an index with a manifest for each platform. Nothing is to be seen there
    until everything has arrived. Raises `UnsupportedFormat` for several images where the place can hold no index, and
    for two images of one platform. `attach` returns what is attached to an image, given its manifest as it was written.

        index = write_images([image_for_amd64, image_for_arm64], "oci:build:demo")
    """
    platforms = [image.platform for image in images]
    twice = next((platform for platform in platforms if platforms.count(platform) > 1), None)
    if twice is not None:
        raise UnsupportedFormat(f"there are two images for {twice}; an index has one for each platform")
    reference = images[0].reference if images[0].name else None
    with destination(location, reference=reference, registry=registry) as target:
        if len(images) == 1:
            manifest = put_image(images[0], target, progress=progress)
            _attach(images[0], manifest, target, attach)
            return manifest
        if not target.takes_index:
            raise UnsupportedFormat(f"{location} cannot hold an image for several platforms; use {INDEX_FORMS}")
        children = []
        for image in images:
            manifest = put_image(image, target, progress=progress, root=False)
            _attach(image, manifest, target, attach)
            children.append(manifest.descriptor.replace(platform=_fields(image)))
        index = Index.new(AS_IT_IS.format_for(ImageFormat.OCI, target), children)
        target.put_manifest(index, root=True)
    return index


def _attach(
    image: Image,
    manifest: Manifest,
    target: Destination,
    attach: Callable[[Image, Manifest], Sequence[Referrer]] | None,
) -> None:
    for referrer in attach(image, manifest) if attach is not None else ():
        put_referrer(referrer, manifest, target)


def _fields(image: Image) -> dict[str, str]:
    platform = image.platform
    fields = {"architecture": platform.architecture, "os": platform.os}
    return fields | ({"variant": platform.variant} if platform.variant else {})
