"""index.json: the images of an OCI layout, their names, and which one a name means (image-spec, image-layout.md)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from python_docker.errors import InvalidArchive, InvalidDocument, InvalidReference, NotFound
from python_docker.spec.digest_tags import is_digest_tag
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.manifest import Index, Manifest
from python_docker.spec.limits import MAX_DOCUMENT_SIZE
from python_docker.spec.media_types import IMAGE_CONFIGS, INDEXES, MANIFESTS, OCI_INDEX
from python_docker.spec.reference import ImageReference
from python_docker.spec.strict_json import dump_json, parse_json
from python_docker.transports.location import Location

LAYOUT_MARKER = dump_json({"imageLayoutVersion": "1.0.0"})
"""The content of `oci-layout`."""
REF_NAME = "org.opencontainers.image.ref.name"
IMAGE_NAME = "io.containerd.image.name"
"""The full name, which Docker and containerd write since REF_NAME is often but a tag."""

# image-spec, annotations.md, "org.opencontainers.image.ref.name"
_COMPONENT = r"[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*"
_NAME = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_LISTED = 20


def check_layout_marker(raw: bytes | None, where: str) -> None:
    """Raise `InvalidArchive` when `oci-layout` names a version that is not known; a missing one is forgiven."""
    if raw is None:
        # skopeo and crane read such layouts too.
        return
    value = parse_json(raw, f"oci-layout of {where}")
    version = value.get("imageLayoutVersion") if isinstance(value, dict) else None
    if version != "1.0.0":
        raise InvalidArchive(f"{where} is an OCI layout of version {version!r:.40}; only 1.0.0 is known")


def naming_annotations(location: Location, reference: ImageReference | None) -> dict[str, str]:
    """Return the annotations that give an image its name in index.json.

    The name that the location gives is written as it is, as skopeo does; without one, an image that has a name keeps
    it, in the form that Docker writes. Raises `InvalidReference`.

    >>> naming_annotations(Location("oci", "dir", "v1"), None)
    {'org.opencontainers.image.ref.name': 'v1'}
    """
    name = location.name
    if name is not None:
        if not _NAME.fullmatch(name):
            raise InvalidReference(
                f"{name[:140]!r} cannot name an image in an OCI layout: use letters and digits, with - . _ : @ + or / "
                "between them"
            )
        full = _full_name(name)
        return {REF_NAME: name} | ({IMAGE_NAME: str(full)} if full is not None and full.tag else {})
    if reference is None or reference.tag is None:
        return {}
    return {IMAGE_NAME: str(reference.with_tag(reference.tag)), REF_NAME: reference.tag}


def _full_name(name: str) -> ImageReference | None:
    """Return a free text as a reference, if it says more than a tag."""
    if ":" not in name and "/" not in name:
        return None
    try:
        return ImageReference.parse(name)
    except InvalidReference:
        return None


def reference_of(descriptor: Descriptor) -> ImageReference | None:
    """Return the name of an image in index.json, if it has one that is more than a tag."""
    annotations = descriptor.annotations or {}
    name = annotations.get(IMAGE_NAME) or annotations.get(REF_NAME) or ""
    return _full_name(name)


def images_of(index: Index) -> list[Descriptor]:
    """Return the images and indexes that index.json names; other kinds of content are legal there, and passed over.

    So is what is attached to images: it is listed with the type of the artifact, or by a tag made of a digest. Where
    nothing else is there, the latter counts.
    """
    found = [
        descriptor
        for descriptor in index.manifests
        if descriptor.media_type in MANIFESTS | INDEXES and not _is_artifact(descriptor.artifact_type)
    ]
    return [descriptor for descriptor in found if not is_digest_tag(_ref_name(descriptor))] or found


def tagged(index: Index, tag: str) -> Descriptor | None:
    """Return what a tag made of a digest names in index.json (see `python_docker.spec.digest_tags`)."""
    named = (descriptor for descriptor in index.manifests if _ref_name(descriptor) == tag)
    return next((descriptor for descriptor in named if descriptor.media_type in MANIFESTS | INDEXES), None)


def _is_artifact(artifact_type: str | None) -> bool:
    """Return whether a descriptor in index.json says that it is something else than an image."""
    return artifact_type is not None and artifact_type not in IMAGE_CONFIGS


def choose(index: Index, name: str | None, where: str) -> Descriptor | Index:
    """Return what a name (a `ref.name`, an image's name, `@` and a number) means, or the one image there is without a
    name.

    Several descriptors that are one image for several platforms are an index of them. Raises `NotFound` when there is
    no such image, or no name and several images.

    >>> from python_docker.spec.media_types import OCI_MANIFEST
    >>> only = Descriptor.of(b"{}", OCI_MANIFEST)
    >>> choose(Index.build({"schemaVersion": 2, "manifests": [only.to_json()]}), None, "example") == only
    True
    """
    images = images_of(index)
    if name is not None and (document := tagged(index, name)) is not None and is_digest_tag(name):
        return document
    if not images:
        raise NotFound(f"{where} holds no image")
    if name is None:
        if len(images) == 1:
            return images[0]
        if _are_platforms(images) and len({_ref_name(descriptor) for descriptor in images}) == 1:
            return index
        raise NotFound(f"{where} holds {len(images)} images; say which one by its name or @number: {listing(images)}")
    if name.startswith("@"):
        number = int(name[1:]) if re.fullmatch(r"@[0-9]{1,6}", name) else len(images)
        if number >= len(images):
            raise NotFound(f"{where} has no image {name[:20]}; there are: {listing(images)}")
        return images[number]
    found = _named(images, name)
    if not found:
        raise NotFound(f"{where} has no image {name[:300]!r}; there are: {listing(images)}")
    if len({reference_of(descriptor) for descriptor in found}) > 1:
        raise NotFound(f"{where} holds several images called {name[:300]!r}; say which one: {listing(images)}")
    if len(found) > 1 and _are_platforms(found):
        return Index.build({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [one.to_json() for one in found]})
    return found[0]


def _named(images: list[Descriptor], name: str) -> list[Descriptor]:
    """Return the images that a name means: those with this very name, else those whose full name or whose tag it is."""
    exact = [descriptor for descriptor in images if _ref_name(descriptor) == name]
    if exact:
        return exact
    wanted = _parse(name)
    full = [descriptor for descriptor in images if wanted is not None and reference_of(descriptor) == wanted]
    if full:
        return full
    by_tag = [
        descriptor for descriptor in images if (known := reference_of(descriptor)) is not None and known.tag == name
    ]
    return by_tag if len({reference_of(descriptor) for descriptor in by_tag}) == 1 else []


def _parse(name: str) -> ImageReference | None:
    try:
        return ImageReference.parse(name)
    except InvalidReference:
        return None


def _ref_name(descriptor: Descriptor) -> str | None:
    return (descriptor.annotations or {}).get(REF_NAME)


def _are_platforms(descriptors: list[Descriptor]) -> bool:
    platforms = [descriptor.get_platform() for descriptor in descriptors]
    return None not in platforms and len(set(platforms)) == len(platforms)


def labels(descriptors: Iterable[Descriptor]) -> list[str]:
    """Return a name for each image, with the number that stands for it as well, for messages."""
    found = []
    for number, descriptor in enumerate(descriptors):
        annotations = descriptor.annotations or {}
        full = reference_of(descriptor)
        name = full.familiar if full is not None else annotations.get(REF_NAME) or descriptor.digest.short
        found.append(f"{name[:120]} (@{number})")
    return found


def listing(descriptors: Iterable[Descriptor]) -> str:
    """Return the numbers and names of images as one line."""
    lines = labels(descriptors)
    more = [f"and {len(lines) - _LISTED} more"] if len(lines) > _LISTED else []
    return ", ".join(lines[:_LISTED] + more)


def with_image(raw: bytes | None, descriptor: Descriptor, where: str) -> bytes:
    """Return index.json with `descriptor` in place of the one of the same name, or else at its end; all else is kept.

    `raw` is what index.json holds now, None when there is none. Raises `InvalidDocument`.
    """
    value: Any = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
    if raw is not None:
        value = Index.parse(raw, f"index.json of {where}").value()
    kept: list[Mapping[str, Any]] = []
    placed = False
    for known in value["manifests"]:
        attached = _is_artifact(known.get("artifactType"))
        if attached or not _same_name(known.get("annotations") or {}, descriptor.annotations or {}):
            kept.append(known)
        elif not placed:
            kept.append(descriptor.to_json())
            placed = True
    value["manifests"] = kept if placed else [*kept, descriptor.to_json()]
    return _checked_index(value, where)


def with_referrer(raw: bytes, descriptor: Descriptor, where: str) -> bytes:
    """Return index.json with what is attached to an image at its end, unless it is there. Raises `InvalidDocument`."""
    value: Any = Index.parse(raw, f"index.json of {where}").value()
    if all(known.get("digest") != descriptor.digest for known in value["manifests"]):
        value["manifests"] = [*value["manifests"], descriptor.to_json()]
    return _checked_index(value, where)


def with_tagged(raw: bytes, descriptor: Descriptor, where: str) -> bytes:
    """Return index.json with `descriptor` in place of the one of the same tag. Raises `InvalidDocument`."""
    value: Any = Index.parse(raw, f"index.json of {where}").value()
    tag = _ref_name(descriptor)
    kept = [one for one in value["manifests"] if (one.get("annotations") or {}).get(REF_NAME) != tag]
    value["manifests"] = [*kept, descriptor.to_json()]
    return _checked_index(value, where)


def tagged_descriptor(manifest: Manifest, tag: str) -> Descriptor:
    """Return how index.json lists what belongs to an image by a tag: as an artifact, so that nobody runs it."""
    descriptor = manifest.descriptor.replace(annotations={REF_NAME: tag})
    kinds = [layer.media_type for layer in manifest.layers]
    return descriptor.replace(artifact_type=kinds[0]) if kinds and kinds[0] not in IMAGE_CONFIGS else descriptor


def _checked_index(value: Any, where: str) -> bytes:
    if len(value["manifests"]) > 10_000:
        raise InvalidDocument(f"{where} holds more images than index.json can name")
    raw = dump_json(value)
    if len(raw) > MAX_DOCUMENT_SIZE:
        raise InvalidDocument(f"index.json of {where} would have {len(raw)} bytes; at most {MAX_DOCUMENT_SIZE} can be")
    return raw


def _same_name(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    full = {annotations[IMAGE_NAME] for annotations in (one, other) if IMAGE_NAME in annotations}
    return one.get(REF_NAME) == other.get(REF_NAME) and len(full) <= 1


def write_index(descriptors: Iterable[Descriptor]) -> bytes:
    """Return index.json of a new layout."""
    value = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [one.to_json() for one in descriptors]}
    return dump_json(value)
