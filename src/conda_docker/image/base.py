"""Base images: opened once, their layers kept in the cache, so that a second build asks only what its tag means."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from conda_docker.build_options import SCRATCH
from conda_docker.cache.notes import read_note, write_note
from conda_docker.layers.cache import writing_cache
from python_docker.blob import Blob, BlobStore
from python_docker.choose import image_of
from python_docker.errors import Error, NotFound, PlatformNotFound
from python_docker.image import Image
from python_docker.registry.options import RegistryOptions
from python_docker.spec.documents import Descriptor, Manifest, parse_manifest
from python_docker.spec.platform import Platform
from python_docker.spec.reference import ImageReference
from python_docker.transports import Location, open_source

if TYPE_CHECKING:
    from python_docker.transports.medium import Source


def open_base(
    location: str,
    platform: Platform,
    cache_dir: Path,
    *,
    offline: bool = False,
    registry: RegistryOptions | None = None,
) -> Image | None:
    """The base image of a build, lazily; None for `scratch`.

    `location` is any that images are read from. What is read of a registry's image is kept in `cache_dir`; `offline`
    uses what an earlier build kept. Raises what `open_source` raises, and `NotFound` for an image that is not kept.
    """
    if location == SCRATCH:
        return None
    place = Location.parse(location, default_transport="docker")
    store = BlobStore(cache_dir)
    if place.transport != "docker":
        source = open_source(place)
        try:
            return _image_for(source, platform, location)
        finally:
            source.close()
    reference = ImageReference.parse(place.name or "")
    note = cache_dir / "bases" / f"{hashlib.sha256(f'{reference} {platform}'.encode()).hexdigest()}.json"
    if offline:
        manifest = _read_note(note)
        if manifest is None:
            raise NotFound(f"{reference.familiar} was not used here before, so it cannot be used offline")
        return _image(manifest, store, reference, lambda descriptor: _missing(descriptor, reference))
    source = open_source(place, registry=registry)
    try:
        image = _image_for(source, platform, location)
        manifest = image.manifest
        with suppress(OSError):
            store.add_bytes(image.config_file.raw, manifest.config.media_type)
            write_note(note, json.dumps([manifest.media_type, manifest.raw.decode()]).encode())
        return _image(manifest, store, reference, source.blob)
    finally:
        source.close()


def _image_for(source: Source, platform: Platform, location: str) -> Image:
    try:
        return image_of(source, platform)
    except PlatformNotFound as error:
        raise PlatformNotFound(f"the base image {location} cannot be used: {error}") from None


def _read_note(note: Path) -> Manifest | None:
    try:
        media_type, raw = json.loads(read_note(note))
        manifest = parse_manifest(raw.encode(), media_type)
    except (OSError, ValueError, TypeError, AttributeError, Error):
        return None
    return manifest if isinstance(manifest, Manifest) else None


def _missing(descriptor: Descriptor, reference: ImageReference) -> Blob:
    def refuse() -> BinaryIO:
        raise NotFound(f"blob {descriptor.digest} of {reference.familiar} is not in the cache, and there is no network")

    return Blob(descriptor, refuse, origin=reference.name)


def _image(
    manifest: Manifest, store: BlobStore, reference: ImageReference, get_blob: Callable[[Descriptor], Blob]
) -> Image:
    return Image.from_manifest(
        manifest,
        lambda descriptor: kept_blob(get_blob(descriptor), store),
        name=reference.familiar_name,
        tag=reference.tag,
    )


def kept_blob(blob: Blob, store: BlobStore) -> Blob:
    """A blob that is read from `store`, where it is put when it is read for the first time; its origin is kept."""
    if store.contains(blob.descriptor):
        return replace(store.get(blob.descriptor), origin=blob.origin)

    def keep_and_open() -> BinaryIO:
        with writing_cache(store.root):
            kept = store.add(blob)
        return kept.opener()

    return replace(blob, opener=keep_and_open)
