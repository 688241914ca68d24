"""Which image of a source is meant: the one for a platform, among the images of an index and of indexes in it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from python_docker.errors import PlatformNotFound, UnsupportedFormat
from python_docker.spec.documents.manifest import Index, Manifest
from python_docker.spec.media_types import INDEXES
from python_docker.spec.platform_choice import images_in, select_platform

if TYPE_CHECKING:
    from python_docker.image import Image
    from python_docker.image.blob import Blob
    from python_docker.spec.digest import Digest
    from python_docker.spec.documents.descriptor import Descriptor
    from python_docker.spec.platform import Platform
    from python_docker.transports.medium import Source

MAX_DEPTH = 4
"""How deep indexes may be nested; real ones have one level, rarely two."""

_log = logging.getLogger("python_docker")


def manifest_of(
    source: Source, platform: Platform | None = None, root: Manifest | Index | None = None
) -> tuple[Manifest, Platform | None]:
    """Return the manifest of a source that is for `platform`, and the platform that an index says it is for.

    Of a single manifest nothing is asked: what it is for stands in its config. Raises `PlatformNotFound`.
    """
    found = source.root() if root is None else root
    return (found, None) if isinstance(found, Manifest) else _choose(source, found, platform, 1, set())


def _choose(
    source: Source, index: Index, platform: Platform | None, depth: int, seen: set[Digest]
) -> tuple[Manifest, Platform | None]:
    if depth > MAX_DEPTH:
        raise UnsupportedFormat(f"index {index.digest} holds indexes more than {MAX_DEPTH} deep")
    seen.add(index.digest)
    try:
        chosen = select_platform(index, platform)
    except PlatformNotFound as error:
        nothing = error
        for descriptor in index.manifests:
            if descriptor.media_type not in INDEXES or descriptor.digest in seen:
                continue
            child = source.child(descriptor)
            if isinstance(child, Index):
                try:
                    return _choose(source, child, platform, depth + 1, seen)
                except PlatformNotFound as deeper:
                    nothing = deeper
        raise nothing from None
    child = source.child(chosen)
    if isinstance(child, Index):
        return _choose(source, child, platform, depth + 1, seen)
    return child, chosen.get_platform()


def platforms_of(source: Source, root: Index, depth: int = 1) -> tuple[Platform, ...]:
    """Return the platforms that an index and indexes in it name images for, in their order, each once."""
    if depth > MAX_DEPTH:
        raise UnsupportedFormat(f"index {root.digest} is in indexes more than {MAX_DEPTH} deep")
    found: list[Platform] = []
    for descriptor in images_in(root):
        if platform := descriptor.get_platform():
            found.append(platform)
        elif descriptor.media_type in INDEXES and isinstance(child := source.child(descriptor), Index):
            found += platforms_of(source, child, depth + 1)
    return tuple(dict.fromkeys(found))


def image_of(
    source: Source,
    platform: Platform | None = None,
    root: Manifest | Index | None = None,
    *,
    get_blob: Callable[[Descriptor], Blob] | None = None,
) -> Image:
    """Return the image of a source that is for `platform`, with the blobs that `get_blob` gives, else the source's.

    Raises `PlatformNotFound`.

    What an index says of its images goes before what their configs say; where they disagree a warning is logged.
    """
    from python_docker.image import Image

    manifest, stated = manifest_of(source, platform, root)
    reference = source.reference
    name, tag = (reference.familiar_name, reference.tag) if reference else ("", None)
    image = Image.from_manifest(manifest, get_blob or source.blob, name=name, tag=tag, stated=stated)
    if stated is not None and not stated.matches(image.config_platform):
        _log.warning(
            "the index says that image %s is for %s, but its config says %s; it is taken for %s",
            manifest.digest.short,
            stated,
            image.config_platform,
            stated,
        )
    if platform is not None and stated is None and not platform.accepts(image.platform):
        raise PlatformNotFound(f"the image is for {image.platform}, not for {platform}")
    return image


def images_of(source: Source, platform: Platform | None = None) -> list[Image]:
    """Return the image for `platform`, or else all images of a source, those of indexes in its index too.

    Raises `PlatformNotFound`.
    """
    root = source.root()
    if platform is not None or isinstance(root, Manifest):
        return [image_of(source, platform, root)]
    return [image_of(source, None, manifest) for manifest in _manifests(source, root, 1)]


def _manifests(source: Source, index: Index, depth: int) -> Iterator[Manifest]:
    if depth > MAX_DEPTH:
        raise UnsupportedFormat(f"index {index.digest} is in indexes more than {MAX_DEPTH} deep")
    for descriptor in images_in(index):
        child = source.child(descriptor)
        if isinstance(child, Index):
            yield from _manifests(source, child, depth + 1)
        else:
            yield child
