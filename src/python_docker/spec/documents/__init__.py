"""The documents of images: manifests, indexes and configs, which keep their bytes and every field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from python_docker.exports import lazy

if TYPE_CHECKING:
    from python_docker.spec.documents.image_config import ImageConfig
    from python_docker.spec.documents.manifest import Index, Manifest

_HOMES = {
    "ImageConfig": "python_docker.spec.documents.image_config",
    "Index": "python_docker.spec.documents.manifest",
    "Manifest": "python_docker.spec.documents.manifest",
}

__all__ = ["ImageConfig", "Index", "Manifest"]


__getattr__ = lazy(__name__, _HOMES)
