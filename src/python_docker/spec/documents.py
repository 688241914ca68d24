"""The documents of an image: descriptor, manifest, index, config.

Typed views of JSON that keep its raw bytes and every field that is not known here. Sources: image-spec
(descriptor.md, manifest.md, image-index.md, config.md) and Docker's image manifest version 2, schema 2.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationError

from python_docker.errors import InvalidDocument, UnsupportedFormat
from python_docker.spec.digest import Digest
from python_docker.spec.media_types import INDEXES, MANIFESTS, OCI_INDEX, SCHEMA_1, ImageFormat
from python_docker.spec.platform import Platform
from python_docker.spec.strict_json import MAX_DOCUMENT_SIZE, dump_json, parse_json

_MAX_ITEMS = 10_000  # layers of an image, images of an index
_MAX_SIZE = (1 << 63) - 1  # sizes are signed 64-bit integers (image-spec, descriptor.md)


def _none_is_empty(value: Any) -> Any:
    """Go writes a list without elements as null."""
    return () if value is None else value


class _Fields(BaseModel):
    """Fields as the specifications spell them; others are kept."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True, defer_build=True)

    def to_json(self) -> dict[str, Any]:
        """The fields that are set, by their names in JSON."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read the fields by their names in JSON alone. Raises pydantic's `ValidationError`."""
        return cls.model_validate(value, by_alias=True, by_name=False)


class Descriptor(_Fields):
    """What a blob or document is, its digest, and its size in bytes (image-spec, descriptor.md).

    >>> Descriptor.of(b"{}", "application/vnd.oci.empty.v1+json").size
    2
    """

    media_type: str = Field(alias="mediaType", max_length=255)
    digest: Digest
    size: int = Field(ge=0, le=_MAX_SIZE, strict=True)
    urls: tuple[str, ...] | None = None
    annotations: dict[str, str] | None = None
    data: str | None = None
    platform: dict[str, Any] | None = None
    artifact_type: str | None = Field(default=None, alias="artifactType")

    @classmethod
    def of(cls, content: bytes, media_type: str, **fields: Any) -> Descriptor:
        """The descriptor of `content`."""
        return cls(media_type=media_type, digest=Digest.of(content), size=len(content), **fields)

    @classmethod
    def new(
        cls, media_type: str, digest: Digest, size: int, annotations: Mapping[str, str] | None = None
    ) -> Descriptor:
        """A descriptor of its three required fields, and annotations if there are any."""
        if annotations:
            return cls(media_type=media_type, digest=digest, size=size, annotations=dict(annotations))
        return cls(media_type=media_type, digest=digest, size=size)

    def replace(self, **fields: Any) -> Descriptor:
        """The same descriptor with other values for `fields` (Python names); None removes a field."""
        value = self.to_json()
        for name, field in fields.items():
            value[Descriptor.model_fields[name].alias or name] = field
        return Descriptor.from_json({key: field for key, field in value.items() if field is not None})

    def retyped(self, media_type: str) -> Descriptor:
        """The same content under another media type; Docker's descriptors lose what only OCI's have."""
        if ImageFormat.of(media_type) is ImageFormat.DOCKER:
            return self.replace(media_type=media_type, annotations=None, artifact_type=None, data=None)
        return self.replace(media_type=media_type)

    def get_platform(self) -> Platform | None:
        """The platform of the image described, None when the descriptor does not say."""
        fields = self.platform or {}
        os, architecture, variant = fields.get("os"), fields.get("architecture"), fields.get("variant")
        if not isinstance(os, str) or not isinstance(architecture, str):
            return None
        return Platform(os, architecture, variant if isinstance(variant, str) and variant else None)


class _Document(_Fields):
    """A document with the bytes it was read from, or was first written as."""

    _raw: bytes = PrivateAttr(default=b"")
    _digest: Digest | None = PrivateAttr(default=None)
    what: ClassVar[str] = "document"

    @classmethod
    def parse(cls, raw: bytes, what: str | None = None) -> Self:
        """Read a document, keeping `raw`. Raises `InvalidDocument`; `what` names the document in messages."""
        return cls._from_value(parse_json(raw, what or cls.what), raw, what or cls.what)

    @classmethod
    def _from_value(cls, value: Any, raw: bytes, what: str) -> Self:
        try:
            document = cls.from_json(value)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            place = ".".join(str(part) for part in first["loc"]) or "the top"
            raise InvalidDocument(f"{what} is malformed at {place[:120]!r}: {first['msg']}") from None
        document._raw = raw
        return document

    @classmethod
    def build(cls, value: Mapping[str, Any]) -> Self:
        """Make a document of JSON values; its bytes are their compact form."""
        return cls._from_value(value, dump_json(value), cls.what)

    @property
    def raw(self) -> bytes:
        """The document's bytes."""
        return self._raw

    @property
    def digest(self) -> Digest:
        """The digest of the bytes."""
        if self._digest is None:
            self._digest = Digest.of(self._raw)
        return self._digest

    @property
    def size(self) -> int:
        """How many bytes the document has."""
        return len(self._raw)

    def __eq__(self, other: object) -> bool:
        # Not pydantic's, to which a digest that was worked out before makes a difference.
        return isinstance(other, _Document) and type(self) is type(other) and self._said() == other._said()

    def __hash__(self) -> int:
        return hash(self._said())

    def _said(self) -> tuple[bytes, str | None]:
        return self._raw, getattr(self, "media_type", None)

    def value(self) -> Any:
        """A fresh copy of the document as JSON values."""
        return json.loads(self._raw)


class Manifest(_Document):
    """An image manifest: its config and its layers, bottom first (image-spec, manifest.md)."""

    what: ClassVar[str] = "the manifest"

    schema_version: int = Field(alias="schemaVersion", ge=2, le=2, strict=True)
    media_type: str = Field(alias="mediaType")
    config: Descriptor
    layers: Annotated[tuple[Descriptor, ...], BeforeValidator(_none_is_empty)] = Field(max_length=_MAX_ITEMS)
    annotations: dict[str, str] | None = None
    subject: Descriptor | None = None
    artifact_type: str | None = Field(default=None, alias="artifactType")

    @property
    def format(self) -> ImageFormat:
        """Docker's words or OCI's."""
        return ImageFormat.of(self.media_type)

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


class Index(_Document):
    """An image index or Docker manifest list: one descriptor a platform (image-spec, image-index.md)."""

    what: ClassVar[str] = "the index"

    schema_version: int = Field(alias="schemaVersion", ge=2, le=2, strict=True)
    media_type: str = Field(default=OCI_INDEX, alias="mediaType")
    manifests: Annotated[tuple[Descriptor, ...], BeforeValidator(_none_is_empty)] = Field(max_length=_MAX_ITEMS)
    annotations: dict[str, str] | None = None
    subject: Descriptor | None = None

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


def parse_manifest(raw: bytes, media_type: str | None = None, what: str = "the manifest") -> Manifest | Index:
    """Read a manifest or an index. `media_type` is what its place (a header, a descriptor) says that it is.

    Raises `InvalidDocument` for malformed or ambiguous documents (one that could be read as both: CVE-2021-41190) and
    for one that contradicts `media_type`; `UnsupportedFormat` for Docker's schema 1 and for types not known.
    """
    value = parse_json(raw, what)
    if not isinstance(value, dict):
        raise InvalidDocument(f"{what} is no JSON object")
    stated = value.get("mediaType")
    if stated is not None and not isinstance(stated, str):
        raise InvalidDocument(f"{what} is malformed at mediaType: not a text")
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
        return Manifest._from_value(value | {"mediaType": kind}, raw, what)
    if kind in INDEXES:
        return Index._from_value(value | {"mediaType": kind}, raw, what)
    raise UnsupportedFormat(f"{what} has the media type {kind[:120]!r}, which is no image's")


class History(_Fields):
    """How one layer came about, or, with `empty_layer`, one step that made none (image-spec, config.md)."""

    created: str | None = None
    created_by: str | None = None
    author: str | None = None
    comment: str | None = None
    empty_layer: bool | None = Field(default=None, strict=True)


class RootFS(_Fields):
    """The layers' diff IDs, bottom first."""

    type: str | None = "layers"
    diff_ids: Annotated[tuple[Digest, ...], BeforeValidator(_none_is_empty)] = Field(default=(), max_length=_MAX_ITEMS)


class ImageConfig(_Document):
    """An image's config file; its digest is the image ID (image-spec, config.md)."""

    what: ClassVar[str] = "the image's config"

    architecture: str | None = None
    os: str | None = None
    variant: str | None = None
    created: str | None = None
    author: str | None = None
    config: dict[str, Any] | None = None
    rootfs: RootFS = RootFS()
    history: tuple[History, ...] | None = None

    @property
    def platform(self) -> Platform:
        """The platform that the image says it is for; Linux on amd64 where it says nothing."""
        return Platform(self.os or "linux", self.architecture or "amd64", self.variant or None)


__all__ = [
    "MAX_DOCUMENT_SIZE",
    "Descriptor",
    "History",
    "ImageConfig",
    "Index",
    "Manifest",
    "RootFS",
    "dump_json",
    "parse_json",
    "parse_manifest",
]
