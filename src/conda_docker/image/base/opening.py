"""Base images: opened once, their layers kept in the cache, so that a second build asks only what its tag means."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from conda_docker.build_options import DEFAULT_BASE, SCRATCH
from conda_docker.cache.folder import CacheFolder, NoteKind
from conda_docker.cache.kept_blob import kept_blob
from python_docker.argument_types import check_optional, check_type
from python_docker.copying.choose import image_of
from python_docker.errors import (
    AccessDenied,
    ContentMismatch,
    Error,
    InvalidDocument,
    NotFound,
    NotFoundInRegistry,
    PlatformNotFound,
)
from python_docker.image import Image
from python_docker.image.blob import Blob
from python_docker.parallel import Shared
from python_docker.spec.digest import Digest
from python_docker.spec.docker_hub import DOCKER_HUB
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.manifest import Index, Manifest, parse_manifest
from python_docker.spec.platform import Platform
from python_docker.spec.platform_choice import select_platform
from python_docker.spec.reference import ImageReference
from python_docker.transports import Location, open_source

if TYPE_CHECKING:
    from python_docker.registry.access.options import RegistryOptions
    from python_docker.transports.medium import Source


DigestOf = Callable[[str, Platform, Path], str]
"""Says which image a name means: the digest of the manifest, by location, platform and cache folder."""

_shared: Shared[tuple[object, ...], Image] = Shared()
_roots: Shared[str, Manifest | Index] = Shared()
_own_roots: ContextVar[Shared[str, Manifest | Index] | None] = ContextVar("own_roots", default=None)
# Of a thread, so that whoever is asked hears one question at a time.
_told: ContextVar[DigestOf | None] = ContextVar("told", default=None)


@contextmanager
def shared_bases() -> Iterator[None]:
    """Have all builds within the block open each base in a registry once: a tag means one image in all of them."""
    with _shared.block(), _roots.block():
        yield


def share_bases() -> None:
    """Have all builds of this process, from now on, open each base in a registry once; see `shared_bases`."""
    _shared.keep()
    _roots.keep()


@contextmanager
def one_base() -> Iterator[None]:
    """Have a tag mean one index or image within the block, for all platforms of one build.

    That holds for this thread, and those that work in a copy of its context (`contextvars.copy_context`).
    """
    if _own_roots.get() is not None:
        yield
        return
    roots: Shared[str, Manifest | Index] = Shared()
    before = _own_roots.set(roots)
    try:
        with roots.block():
            yield
    finally:
        _own_roots.reset(before)


@contextmanager
def told_bases(digest_of: DigestOf) -> Iterator[None]:
    """Have this thread ask `digest_of`, within the block, what the name of an image in a registry means.

    Processes that work together so ask the registry once for all of them.
    """
    before = _told.set(digest_of)
    try:
        yield
    finally:
        _told.reset(before)


def open_base(
    location: str,
    platform: Platform,
    cache_dir: Path,
    *,
    offline: bool = False,
    registry: RegistryOptions | None = None,
    digest: str | None = None,
) -> Image | None:
    """Return the base image of a build, lazily; None for `scratch`.

    `location` is any that images are read from; only an image of a registry has a name. What is read of a registry's
    image is kept in `cache_dir`; `offline` uses what an earlier build kept. `digest` is that of the manifest that it
    must have: a registry is asked for it, and any other image is compared. The default base is Docker Hub's where the
    registry of names without a host, which `CONDA_DOCKER_REGISTRY_URL` names, has none. Raises what `open_source`
    raises, and `NotFound` for an image that is not kept.
    """
    check_type("location", location, str, "the name of an image, or 'scratch'")
    if registry is not None:
        from python_docker.registry.access.options import RegistryOptions

        check_type("registry", registry, RegistryOptions)
    check_optional("digest", digest, str)
    if location == SCRATCH:
        return None
    check_type("cache_dir", cache_dir, Path)
    check_type("platform", platform, Platform, "Platform.parse('linux/arm64') makes one")
    place = Location.parse(location, default_transport="docker")
    if place.transport != "docker":
        source = open_source(place)
        try:
            image = _checked(_image_for(source, platform, location), digest, location)
        finally:
            source.close()
        # What an engine or an archive calls an image may be another one, or none, in the registry of that name.
        image.name, image.tag = "", None
        return image
    reference = ImageReference.parse(place.name or "")

    def get(reference: ImageReference, registry: RegistryOptions | None) -> Image:
        return _get(reference, platform, cache_dir, registry, offline=offline, location=location, digest=digest)

    try:
        return get(reference, registry)
    except (AccessDenied, NotFound, NotFoundInRegistry) as error:
        if location != DEFAULT_BASE or reference.domain == DOCKER_HUB:
            raise
        try:
            # What allows an insecure connection is said of the other registry.
            return get(ImageReference.parse(location), registry and registry.with_fields(insecure=False))
        except Error as other:
            raise NotFound(f"{error}; nor can that of Docker Hub be used: {other}") from other


def _get(
    reference: ImageReference,
    platform: Platform,
    cache_dir: Path,
    registry: RegistryOptions | None,
    *,
    offline: bool,
    location: str,
    digest: str | None,
) -> Image:
    """Return an image of a registry, opened once where `shared_bases` says so."""
    told = _told.get()
    if reference.digest is None and digest is None and told is not None and not offline:
        digest = told(location, platform, cache_dir)
    if digest is not None and reference.digest is None:
        reference = replace(reference, digest=Digest(digest))
    return _shared.get(
        (str(reference), platform, cache_dir, offline),
        lambda: _open_reference(
            reference, platform, CacheFolder(cache_dir), registry, offline=offline, location=location
        ),
    )


def _open_reference(
    reference: ImageReference,
    platform: Platform,
    cache: CacheFolder,
    registry: RegistryOptions | None,
    *,
    offline: bool,
    location: str,
) -> Image:
    """Return an image of a registry, or of the cache with `offline`; `location` is what the user calls it."""
    key = _key(reference, platform)
    if offline:
        manifest = _known_manifest(cache, key)
        if manifest is None:
            raise NotFound(f"{reference.familiar} is not in the cache, so it cannot be used offline")
        return _image(manifest, cache, reference, lambda descriptor: _missing(descriptor, reference))
    if reference.digest is not None:
        # What a digest names never changes, so that the registry need not be asked for it again.
        place = Location("docker", "", str(reference))
        for known in (key, _key(replace(reference, digest=None), platform)):
            manifest = _known_manifest(cache, known)
            if manifest is not None and manifest.digest == reference.digest:
                return _image(
                    manifest,
                    cache,
                    reference,
                    lambda descriptor: open_source(place, registry=registry).blob(descriptor),
                )
    source = open_source(Location("docker", "", str(reference)), registry=registry)
    try:
        root = _root(reference, source)
        manifest = _known_manifest(cache, key)
        if manifest is not None and manifest.digest == _chosen(root, platform):
            return _image(manifest, cache, reference, source.blob)
        manifest = _image_for(
            source, platform, location, root, lambda descriptor: kept_blob(source.blob(descriptor), cache)
        ).manifest
        cache.remember(NoteKind.BASES, key, json.dumps([manifest.media_type, manifest.raw.decode()]).encode())
        return _image(manifest, cache, reference, source.blob)
    finally:
        source.close()


def _key(reference: ImageReference, platform: Platform) -> str:
    """Return the key of the note on what a name means."""
    return hashlib.sha256(f"{reference} {platform}".encode()).hexdigest()


def _checked(image: Image, digest: str | None, location: str) -> Image:
    if digest is not None and str(image.manifest.digest) != digest:
        raise ContentMismatch(
            f"the base image {location} is {image.manifest.digest}, and the lock file is for {digest}: lock again, or "
            "name a base with --base"
        )
    return image


def _root(reference: ImageReference, source: Source) -> Manifest | Index:
    """Return what a name means now, or meant before in a block for which it means one thing."""
    name, own = str(reference), _own_roots.get()
    if own is None:
        return _roots.get(name, source.root)
    return own.get(name, lambda: _roots.get(name, source.root))


def _chosen(root: Manifest | Index, platform: Platform) -> Digest | None:
    """Return which manifest is for a platform, where that can be said without reading another."""
    if isinstance(root, Manifest):
        return root.digest
    with suppress(PlatformNotFound):
        return select_platform(root, platform).digest
    return None


def _image_for(
    source: Source,
    platform: Platform,
    location: str,
    root: Manifest | Index | None = None,
    get_blob: Callable[[Descriptor], Blob] | None = None,
) -> Image:
    try:
        return image_of(source, platform, root, get_blob=get_blob)
    except PlatformNotFound as error:
        raise PlatformNotFound(f"the base image {location} cannot be used: {error}") from None
    except InvalidDocument as error:
        raise InvalidDocument(f"the base image {location} cannot be used: {error}") from None


def _known_manifest(cache: CacheFolder, key: str) -> Manifest | None:
    note = cache.read_note(NoteKind.BASES, key)
    if note is None:
        return None
    try:
        media_type, raw = json.loads(note)
        manifest = parse_manifest(raw.encode(), media_type)
    except (ValueError, TypeError, AttributeError, Error):
        return None
    return manifest if isinstance(manifest, Manifest) else None


def _missing(descriptor: Descriptor, reference: ImageReference) -> Blob:
    def refuse() -> BinaryIO:
        raise NotFound(f"blob {descriptor.digest} of {reference.familiar} is not in the cache, and there is no network")

    return Blob(descriptor, refuse, origin=reference.name)


def _image(
    manifest: Manifest, cache: CacheFolder, reference: ImageReference, get_blob: Callable[[Descriptor], Blob]
) -> Image:
    return Image.from_manifest(
        manifest,
        lambda descriptor: kept_blob(get_blob(descriptor), cache),
        name=reference.familiar_name,
        tag=reference.tag,
    )
