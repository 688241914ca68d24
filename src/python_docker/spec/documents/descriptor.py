"""Descriptor: what a blob or document is, its digest and its size (image-spec, descriptor.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from python_docker.spec.digest import Digest
from python_docker.spec.documents import fields
from python_docker.spec.documents.fields import Fields, json_field
from python_docker.spec.media_types import FOREIGN_LAYERS, ImageFormat, layer_compression, layer_media_type
from python_docker.spec.platform import Platform

_MAX_SIZE = (1 << 63) - 1  # sizes are signed 64-bit integers (image-spec, descriptor.md)


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor(Fields):
    """What a blob or document is, its digest, and its size in bytes (image-spec, descriptor.md).

    >>> Descriptor.of(b"{}", "application/vnd.oci.empty.v1+json").size
    2
    """

    media_type: str = field(metadata=json_field("mediaType", fields.string(max_length=255)))
    digest: Digest = field(metadata=json_field("digest", fields.digest))
    size: int = field(metadata=json_field("size", fields.integer(0, _MAX_SIZE)))
    urls: tuple[str, ...] | None = field(default=None, metadata=json_field("urls", fields.list_of(fields.string())))
    annotations: dict[str, str] | None = field(default=None, metadata=json_field("annotations", fields.strings_by_name))
    data: str | None = field(default=None, metadata=json_field("data", fields.string()))
    platform: dict[str, Any] | None = field(default=None, metadata=json_field("platform", fields.json_object))
    artifact_type: str | None = field(default=None, metadata=json_field("artifactType", fields.string()))

    @classmethod
    def of(cls, content: bytes, media_type: str, **more: Any) -> Descriptor:
        """Return the descriptor of `content`, with `more` fields (Python names)."""
        return cls(media_type=media_type, digest=Digest.of(content), size=len(content), **more)

    @classmethod
    def new(
        cls, media_type: str, digest: Digest, size: int, annotations: Mapping[str, str] | None = None
    ) -> Descriptor:
        """Return a descriptor of its three required fields, and annotations if there are any."""
        if annotations:
            return cls(media_type=media_type, digest=digest, size=size, annotations=dict(annotations))
        return cls(media_type=media_type, digest=digest, size=size)

    def replace(self, **changes: Any) -> Descriptor:
        """Return the same descriptor with other values for some fields (Python names); None removes a field."""
        value = self.to_json() | {fields.json_name(Descriptor, name): change for name, change in changes.items()}
        return Descriptor.from_json({name: content for name, content in value.items() if content is not None})

    def retyped(self, media_type: str) -> Descriptor:
        """Return the same content under another media type; Docker's descriptors lose what only OCI's have."""
        if ImageFormat.of(media_type) is ImageFormat.DOCKER:
            return self.replace(media_type=media_type, annotations=None, artifact_type=None, data=None)
        return self.replace(media_type=media_type)

    def as_layer(self, image_format: ImageFormat) -> Descriptor:
        """Return the descriptor of the same layer in the words of `image_format`; what is not a layer stays as it is.

        Raises `UnsupportedFormat` where the format has no media type for the layer's compression.
        """
        compression = layer_compression(self.media_type)
        if compression is None or ImageFormat.of(self.media_type) is image_format:
            return self
        foreign = self.media_type in FOREIGN_LAYERS
        return self.retyped(layer_media_type(image_format, compression, foreign=foreign))

    def as_ordinary(self) -> Descriptor:
        """Return the descriptor of a foreign layer that is to be like any other; all else stays as it is."""
        compression = layer_compression(self.media_type)
        if self.media_type not in FOREIGN_LAYERS or compression is None:
            return self
        return self.replace(media_type=layer_media_type(ImageFormat.of(self.media_type), compression), urls=None)

    @property
    def is_elsewhere(self) -> bool:
        """Whether this is a foreign layer whose content is to be had from `urls` (image-spec, layer.md).

        A layer of such a type without `urls` is like any other: nobody else has it.
        """
        return self.media_type in FOREIGN_LAYERS and bool(self.urls)

    def get_platform(self) -> Platform | None:
        """Return the platform of the image described, None when the descriptor does not say.

        Names that only the kernel or old tools use, such as `x86_64`, are given as Go's.
        """
        said = self.platform or {}
        os, architecture, variant = said.get("os"), said.get("architecture"), said.get("variant")
        if not isinstance(os, str) or not isinstance(architecture, str):
            return None
        return Platform.of(os, architecture, variant if isinstance(variant, str) else None)
