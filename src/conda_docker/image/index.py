"""One image for each of several platforms, written under one name: an index (image-spec, image-index.md)."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

from python_docker.copying.copy import AS_IT_IS, send_image
from python_docker.copying.delivery import Delivery
from python_docker.copying.transfer import put_blobs
from python_docker.errors import UnsupportedFormat
from python_docker.spec.documents.manifest import Index
from python_docker.spec.media_types import ImageFormat
from python_docker.transports.medium import TakesReferrers
from python_docker.transports.table import INDEX_FORMS, title_of

if TYPE_CHECKING:
    from python_docker.copying.referrer import Referrer
    from python_docker.copying.transfer import Transfer
    from python_docker.image import Image
    from python_docker.image.blob import Blob
    from python_docker.spec.documents.descriptor import Descriptor
    from python_docker.spec.documents.manifest import Manifest
    from python_docker.transports.medium import Destination


class Attachments(Protocol):
    """What is attached to the images of a build, asked for when their manifests are written."""

    @property
    def in_index(self) -> bool:
        """Whether there is something to put next to each image, so that one image needs an index too."""

    def to_image(self, image: Image, manifest: Manifest) -> Sequence[Referrer]:
        """Return what is attached to an image, given its manifest as it was written."""

    def beside_image(self, image: Image, manifest: Manifest) -> tuple[Manifest, Descriptor, Sequence[Blob]]:
        """Return what stands in the index next to an image, how the index names it, and the blobs that it names."""

    def to_index(self, index: Index) -> Sequence[Referrer]:
        """Return what is attached to an index."""


def finish_images(
    images: Sequence[Image],
    delivery: Delivery,
    *,
    attach: Attachments | None = None,
    annotations: Mapping[str, str] | None = None,
) -> list[Manifest | Index]:
    """Write what has not left yet of some images to the places of a delivery, and return what was written at each.

    One image is written as it is, several as an index with a manifest for each platform; so is one with something to
    put next to it. `attach` is asked for places that hold referrers; `annotations` are those of an index. Raises
    `UnsupportedFormat` for an index where a place can hold none, and for two images of one platform.
    """
    platforms = [image.platform for image in images]
    twice = next((platform for platform in platforms if platforms.count(platform) > 1), None)
    if twice is not None:
        raise UnsupportedFormat(f"there are two images for {twice}; an index has one for each platform")
    return delivery.finish(partial(_send, images, attach, annotations or {}, threading.Lock()))


def _send(
    images: Sequence[Image],
    attach: Attachments | None,
    annotations: Mapping[str, str],
    attaching: threading.Lock,
    transfer: Transfer,
) -> Manifest | Index:
    """Write images to one place; of places side by side, one is attached to at a time: the same documents, perhaps."""
    target = transfer.destination
    if not isinstance(target, TakesReferrers):
        attach = None
    in_index = attach is not None and attach.in_index
    alone = len(images) == 1 and not in_index
    if not alone and not target.takes_index:
        what = "an image for several platforms" if len(images) > 1 else "what goes next to an image"
        raise UnsupportedFormat(f"{title_of(target)} cannot hold {what}; use {INDEX_FORMS}")
    manifests, beside = [], []
    for image in images:
        manifest = send_image(image, transfer, root=alone)
        manifests.append(manifest)
        if attach is None:
            continue
        with attaching:
            _attach(attach.to_image(image, manifest), manifest, target)
            if in_index:
                other, descriptor, blobs = attach.beside_image(image, manifest)
                put_blobs(blobs, target, transfer.progress)
                target.put_manifest(other, root=False)
                beside.append(descriptor)
    if alone:
        return manifests[0]
    children = [_child(manifest, image) for manifest, image in zip(manifests, images, strict=True)]
    index = Index.new(AS_IT_IS.format_for(ImageFormat.OCI, target), [*children, *beside], annotations)
    target.put_manifest(index, root=True)
    if attach is not None:
        with attaching:
            _attach(attach.to_index(index), index, target)
    return index


def _attach(referrers: Sequence[Referrer], subject: Manifest | Index, target: Destination) -> None:
    from python_docker.copying.referrer import put_referrer

    for referrer in referrers:
        put_referrer(referrer, subject, target)


def image_index(images: Sequence[tuple[Manifest, Image]]) -> Index:
    """Return the index of images whose manifests are as they will be written."""
    return Index.new(ImageFormat.OCI, [_child(manifest, image) for manifest, image in images])


def _child(manifest: Manifest, image: Image) -> Descriptor:
    """Return how an index names the manifest of an image."""
    platform = image.platform
    fields = {"architecture": platform.architecture, "os": platform.os}
    return manifest.descriptor.replace(platform=fields | ({"variant": platform.variant} if platform.variant else {}))
