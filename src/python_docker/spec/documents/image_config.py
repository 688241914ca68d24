"""ImageConfig: an image's config file, with its history and diff IDs (image-spec, config.md)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from python_docker.spec.digest import Digest
from python_docker.spec.documents import fields
from python_docker.spec.documents.document import Document
from python_docker.spec.documents.fields import MAX_ITEMS, Fields, json_field
from python_docker.spec.platform import Platform

_STRING = fields.string()


@dataclass(frozen=True, slots=True, kw_only=True)
class History(Fields):
    """How one layer came about, or, with `empty_layer`, one step that made none (image-spec, config.md)."""

    created: str | None = field(default=None, metadata=json_field("created", _STRING))
    created_by: str | None = field(default=None, metadata=json_field("created_by", _STRING))
    author: str | None = field(default=None, metadata=json_field("author", _STRING))
    comment: str | None = field(default=None, metadata=json_field("comment", _STRING))
    empty_layer: bool | None = field(default=None, metadata=json_field("empty_layer", fields.boolean))


@dataclass(frozen=True, slots=True, kw_only=True)
class RootFS(Fields):
    """The layers' diff IDs, bottom first."""

    type: str | None = field(default="layers", metadata=json_field("type", _STRING))
    diff_ids: tuple[Digest, ...] = field(
        default=(), metadata=json_field("diff_ids", fields.list_of(fields.digest, max_items=MAX_ITEMS))
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImageConfig(Document):
    """An image's config file; its digest is the image ID (image-spec, config.md)."""

    what: ClassVar[str] = "the image's config"

    architecture: str | None = field(default=None, metadata=json_field("architecture", _STRING))
    os: str | None = field(default=None, metadata=json_field("os", _STRING))
    variant: str | None = field(default=None, metadata=json_field("variant", _STRING))
    os_version: str | None = field(default=None, metadata=json_field("os.version", _STRING))
    os_features: tuple[str, ...] | None = field(
        default=None, metadata=json_field("os.features", fields.list_of(_STRING))
    )
    created: str | None = field(default=None, metadata=json_field("created", _STRING))
    author: str | None = field(default=None, metadata=json_field("author", _STRING))
    config: dict[str, Any] | None = field(default=None, metadata=json_field("config", fields.json_object))
    rootfs: RootFS = field(default_factory=RootFS, metadata=json_field("rootfs", RootFS.read))
    history: tuple[History, ...] | None = field(
        default=None, metadata=json_field("history", fields.list_of(History.read))
    )

    @property
    def platform(self) -> Platform:
        """The platform that the image says it is for; Linux on amd64 where it says nothing."""
        return Platform.of(self.os or "linux", self.architecture or "amd64", self.variant)
