"""One image for each of several platforms, written under one name: an index (image-spec, image-index.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from python_docker.copying.copy import AS_IT_IS, put_blobs, put_image
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
    from python_docker.image.blob import Blob
    from python_docker.registry.options import RegistryOptions
    from python_docker.spec.documents import Descriptor, Manifest
    from python_docker.transports import Location
    from python_docker.transports.medium import Destination


class Attachments(Protocol):
    """What is attached to the images of a build, asked for when their manifests are written."""

    @property
    def in_index(self) -> bool:
        """Whether there is something to put beside each image, so that one image needs an index too."""

    def to_image(self, image: Image, manifest: Manifest) -> Sequence[Referrer]:
        """Return what is attached to an image, given its manifest as it was written."""

    def beside_image(self, image: Image, manifest: Manifest) -> tuple[Manifest, Descriptor, Sequence[Blob]]:
        """Return what stands in the index beside an image, how the index names it, and the blobs that it names."""

    def to_index(self, index: Index) -> Sequence[Referrer]:
        """Return what is attached to an index."""


def write_images(
    images: Sequence[Image],
    location: str | Location,
    *,
    attach: Attachments | None = None,
    registry: RegistryOptions | None = None,
    progress: Progress = SILENT,
) -> Manifest | Index:
    """Write images to one place, under the name that it gives or else the first image's; gives what the name now means.

    One image is written as it is, several as an index with a manifest for each platform; so is one with something to
    put beside it. Nothing is to be seen there until everything has arrived. Raises `UnsupportedFormat` for an index
    where the place can hold none, and for two images of one platform.

        index = write_images([image_for_amd64, image_for_arm64], "oci:build:demo")
    """
    platforms = [image.platform for image in images]
    twice = next((platform for platform in platforms if platforms.count(platform) > 1), None)
    if twice is not None:
        raise UnsupportedFormat(f"there are two images for {twice}; an index has one for each platform")
    reference = images[0].reference if images[0].name else None
    with destination(location, reference=reference, registry=registry) as target:
        in_index = attach is not None and attach.in_index
        if len(images) == 1 and not in_index:
            manifest = put_image(images[0], target, progress=progress)
            _attach(attach.to_image(images[0], manifest) if attach is not None else (), manifest, target)
            return manifest
        if not target.takes_index:
            what = "an image for several platforms" if len(images) > 1 else "what goes beside an image"
            raise UnsupportedFormat(f"{location} cannot hold {what}; use {INDEX_FORMS}")
        children, beside = [], []
        for image in images:
            manifest = put_image(image, target, progress=progress, root=False)
            children.append(manifest.descriptor.replace(platform=_fields(image)))
            if attach is None:
                continue
            _attach(attach.to_image(image, manifest), manifest, target)
            if in_index:
                other, descriptor, blobs = attach.beside_image(image, manifest)
                put_blobs(blobs, target, progress)
                target.put_manifest(other, root=False)
                beside.append(descriptor)
        index = Index.new(AS_IT_IS.format_for(ImageFormat.OCI, target), [*children, *beside])
        target.put_manifest(index, root=True)
        _attach(attach.to_index(index) if attach is not None else (), index, target)
    return index


def _attach(referrers: Sequence[Referrer], subject: Manifest | Index, target: Destination) -> None:
    for referrer in referrers:
        put_referrer(referrer, subject, target)


def _fields(image: Image) -> dict[str, str]:
    platform = image.platform
    fields = {"architecture": platform.architecture, "os": platform.os}
    return fields | ({"variant": platform.variant} if platform.variant else {})
