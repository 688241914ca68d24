"""ImageConfig: an image's config file, with its history and diff IDs (image-spec, config.md)."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from python_docker.spec.descriptor import Fields
from python_docker.spec.digest import Digest
from python_docker.spec.document import MAX_ITEMS, Document, none_is_empty
from python_docker.spec.platform import Platform


class History(Fields):
    """How one layer came about, or, with `empty_layer`, one step that made none (image-spec, config.md)."""

    created: str | None = None
    created_by: str | None = None
    author: str | None = None
    comment: str | None = None
    empty_layer: bool | None = Field(default=None, strict=True)


class RootFS(Fields):
    """The layers' diff IDs, bottom first."""

    type: str | None = "layers"
    diff_ids: Annotated[tuple[Digest, ...], BeforeValidator(none_is_empty)] = Field(default=(), max_length=MAX_ITEMS)


class ImageConfig(Document):
    """An image's config file; its digest is the image ID (image-spec, config.md)."""

    what: ClassVar[str] = "the image's config"

    architecture: str | None = None
    os: str | None = None
    variant: str | None = None
    os_version: str | None = Field(default=None, alias="os.version")
    os_features: tuple[str, ...] | None = Field(default=None, alias="os.features")
    created: str | None = None
    author: str | None = None
    config: dict[str, Any] | None = None
    rootfs: RootFS = RootFS()
    history: tuple[History, ...] | None = None

    @property
    def platform(self) -> Platform:
        """The platform that the image says it is for; Linux on amd64 where it says nothing."""
        return Platform.of(self.os or "linux", self.architecture or "amd64", self.variant)
