"""The documents of images: manifest and index; descriptor and config come from modules of their own.

Sources: image-spec (manifest.md, image-index.md) and Docker's image manifest version 2, schema 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from python_docker.errors import InvalidDocument, UnsupportedFormat
from python_docker.spec.digest import Digest
from python_docker.spec.documents import fields
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.document import Document
from python_docker.spec.documents.fields import MAX_ITEMS, json_field
from python_docker.spec.media_types import (
    EARLY_CONFIGS,
    IMAGE_CONFIGS,
    INDEXES,
    MANIFESTS,
    OCI_INDEX,
    SCHEMA_1,
    ImageFormat,
    layer_compression,
)
from python_docker.spec.strict_json import parse_json

_SCHEMA_VERSION = fields.integer(2, 2)
_DESCRIPTORS = fields.list_of(Descriptor.read, max_items=MAX_ITEMS, null_is_empty=True)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Manifest(Document):
    """An image manifest: its config and its layers, bottom first (image-spec, manifest.md)."""

    what: ClassVar[str] = "the manifest"

    schema_version: int = field(metadata=json_field("schemaVersion", _SCHEMA_VERSION))
    media_type: str = field(metadata=json_field("mediaType", fields.string()))
    config: Descriptor = field(metadata=json_field("config", Descriptor.read))
    layers: tuple[Descriptor, ...] = field(metadata=json_field("layers", _DESCRIPTORS))
    annotations: dict[str, str] | None = field(default=None, metadata=json_field("annotations", fields.strings_by_name))
    subject: Descriptor | None = field(default=None, metadata=json_field("subject", Descriptor.read))
    artifact_type: str | None = field(default=None, metadata=json_field("artifactType", fields.string()))

    @property
    def format(self) -> ImageFormat:
        """Docker's words or OCI's."""
        return ImageFormat.of(self.media_type)

    @property
    def has_image_config(self) -> bool:
        """Whether the config is said to be an image's."""
        if self.config.media_type in IMAGE_CONFIGS:
            return True
        return self.format is ImageFormat.DOCKER and self.config.media_type in EARLY_CONFIGS

    @property
    def is_image(self) -> bool:
        """Whether this is a container image's manifest. Attestations, charts, signatures only look like one."""
        known = [layer_compression(layer.media_type) is not None for layer in self.layers]
        return self.has_image_config and (not known or any(known))

    @property
    def descriptor(self) -> Descriptor:
        """The descriptor of this manifest."""
        return Descriptor.new(self.media_type, self.digest, self.size)

    @classmethod
    def new(
        cls,
        image_format: ImageFormat,
        config: Descriptor,
        layers: Iterable[Descriptor],
        annotations: Mapping[str, str] | None = None,
    ) -> Manifest:
        """Write a manifest. `layers` come bottom first; annotations are OCI's and dropped from Docker's format."""
        value: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": image_format.manifest_type,
            "config": config.to_json(),
            "layers": [layer.to_json() for layer in layers],
        }
        if annotations and image_format is ImageFormat.OCI:
            value["annotations"] = dict(sorted(annotations.items()))
        return cls.build(value)

    def retyped(self, image_format: ImageFormat) -> Manifest:
        """Return the manifest of the same image in the words of another format; the blobs stay what they are.

        Raises `UnsupportedFormat` where the format has no media type for a layer.
        """
        value = self.value()
        if image_format is ImageFormat.DOCKER:
            for name in ("annotations", "subject", "artifactType"):
                value.pop(name, None)
        value |= {
            "mediaType": image_format.manifest_type,
            "config": self.config.retyped(image_format.config_type).to_json(),
            "layers": [layer.as_layer(image_format).to_json() for layer in self.layers],
        }
        return Manifest.build(value)

    def with_ordinary_layers(self) -> Manifest:
        """Return the manifest in which foreign layers are like any other: this one where there are none."""
        layers = [layer.as_ordinary() for layer in self.layers]
        if layers == list(self.layers):
            return self
        return Manifest.build(self.value() | {"layers": [layer.to_json() for layer in layers]})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Index(Document):
    """An image index or Docker manifest list: one descriptor a platform (image-spec, image-index.md)."""

    what: ClassVar[str] = "the index"

    schema_version: int = field(metadata=json_field("schemaVersion", _SCHEMA_VERSION))
    media_type: str = field(default=OCI_INDEX, metadata=json_field("mediaType", fields.string()))
    manifests: tuple[Descriptor, ...] = field(metadata=json_field("manifests", _DESCRIPTORS))
    annotations: dict[str, str] | None = field(default=None, metadata=json_field("annotations", fields.strings_by_name))
    subject: Descriptor | None = field(default=None, metadata=json_field("subject", Descriptor.read))

    @property
    def format(self) -> ImageFormat:
        """Docker's words or OCI's."""
        return ImageFormat.of(self.media_type)

    @property
    def descriptor(self) -> Descriptor:
        """The descriptor of this index."""
        return Descriptor.new(self.media_type, self.digest, self.size)

    @classmethod
    def new(
        cls, image_format: ImageFormat, manifests: Iterable[Descriptor], annotations: Mapping[str, str] | None = None
    ) -> Index:
        """Write an index of `manifests`."""
        value: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": image_format.index_type,
            "manifests": [manifest.to_json() for manifest in manifests],
        }
        if annotations and image_format is ImageFormat.OCI:
            value["annotations"] = dict(sorted(annotations.items()))
        return cls.build(value)


def named_digests(document: Manifest | Index) -> frozenset[Digest]:
    """Return the digests of all that a manifest or an index names: config and layers, or manifests."""
    named = (document.config, *document.layers) if isinstance(document, Manifest) else document.manifests
    return frozenset(descriptor.digest for descriptor in named)


def referrer_descriptor(document: Manifest | Index) -> Descriptor:
    """Return how what has a subject is listed: with its artifact type and annotations.

    The type is that of its config where it states none (distribution-spec, "Listing Referrers").
    """
    said: dict[str, object] = {}
    if isinstance(document, Manifest):
        said["artifact_type"] = document.artifact_type or document.config.media_type
    if document.annotations:
        said["annotations"] = document.annotations
    return document.descriptor.replace(**said)


def parse_manifest(raw: bytes, media_type: str | None = None, what: str = "the manifest") -> Manifest | Index:
    """Read a manifest or an index. `media_type` is what its place (a header, a descriptor) says that it is.

    Raises `InvalidDocument` for malformed or ambiguous documents (one that could be read as both: CVE-2021-41190) and
    for one that contradicts `media_type`; `UnsupportedFormat` for Docker's schema 1 and for types not known.
    """
    value = parse_json(raw, what)
    if not isinstance(value, dict):
        raise InvalidDocument(f"{what} is not a JSON object")
    stated = value.get("mediaType")
    if stated is not None and not isinstance(stated, str):
        raise InvalidDocument(f"{what} is malformed at mediaType: not a string")
    if media_type in SCHEMA_1 or stated in SCHEMA_1 or value.get("schemaVersion") == 1:
        raise UnsupportedFormat(
            f"{what} is in Docker's schema 1, which is no longer in use; push the image again with a current tool"
        )
    if stated and media_type and stated != media_type:
        raise InvalidDocument(f"{what} says that it is {stated[:120]!r}, but was given as {media_type[:120]!r}")
    kind = stated or media_type
    has_layers, has_manifests = "layers" in value or "config" in value, "manifests" in value
    if has_layers and has_manifests:
        raise InvalidDocument(f"{what} is ambiguous: it has both layers and manifests")
    if kind is None:
        # image-spec makes mediaType optional: tell by the fields.
        kind = OCI_INDEX if has_manifests else ImageFormat.OCI.manifest_type
    if kind in MANIFESTS:
        return Manifest.from_value(value | {"mediaType": kind}, raw, what)
    if kind in INDEXES:
        return Index.from_value(value | {"mediaType": kind}, raw, what)
    raise UnsupportedFormat(f"{what} has the media type {kind[:120]!r}, which is not that of an image")
