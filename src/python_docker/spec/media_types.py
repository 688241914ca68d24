"""Media types: what a document or blob is, in Docker's words and in OCI's.

Sources: image-spec, media-types.md; Docker image manifest version 2, schema 2.
"""

from __future__ import annotations

from enum import StrEnum

from python_docker.errors import UnsupportedFormat
from python_docker.streams.compression import Compression

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
SCHEMA_1 = frozenset(
    {
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
        "application/vnd.docker.distribution.manifest.v1+json",
    }
)

MANIFESTS = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
INDEXES = frozenset({OCI_INDEX, DOCKER_INDEX})
IMAGE_CONFIGS = frozenset({OCI_CONFIG, DOCKER_CONFIG})
# What Docker's first releases with schema 2, and registries of that time, wrote in the place of DOCKER_CONFIG
# (distribution, manifest/schema2; Docker, distribution/registry.go, "defaultImageTypes").
EARLY_CONFIGS = frozenset({"application/octet-stream", "application/json", "text/html", ""})


class ImageFormat(StrEnum):
    """Whose words an image's documents use."""

    OCI = "oci"
    DOCKER = "docker"

    @property
    def manifest_type(self) -> str:
        """Media type of a manifest."""
        return OCI_MANIFEST if self is ImageFormat.OCI else DOCKER_MANIFEST

    @property
    def index_type(self) -> str:
        """Media type of an index (Docker: manifest list)."""
        return OCI_INDEX if self is ImageFormat.OCI else DOCKER_INDEX

    @property
    def config_type(self) -> str:
        """Media type of an image's config."""
        return OCI_CONFIG if self is ImageFormat.OCI else DOCKER_CONFIG

    @classmethod
    def of(cls, media_type: str) -> ImageFormat:
        """Return the format that the media type of a manifest, index or layer belongs to; OCI for unknown ones."""
        return cls.DOCKER if media_type.startswith("application/vnd.docker.") else cls.OCI


_LAYERS = {
    (ImageFormat.OCI, Compression.NONE): "application/vnd.oci.image.layer.v1.tar",
    (ImageFormat.OCI, Compression.GZIP): "application/vnd.oci.image.layer.v1.tar+gzip",
    (ImageFormat.OCI, Compression.ZSTD): "application/vnd.oci.image.layer.v1.tar+zstd",
    (ImageFormat.DOCKER, Compression.NONE): "application/vnd.docker.image.rootfs.diff.tar",
    (ImageFormat.DOCKER, Compression.GZIP): "application/vnd.docker.image.rootfs.diff.tar.gzip",
}
# Layers whose bytes may live elsewhere; deprecated in both.
_FOREIGN_LAYERS = {
    (ImageFormat.OCI, Compression.NONE): "application/vnd.oci.image.layer.nondistributable.v1.tar",
    (ImageFormat.OCI, Compression.GZIP): "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    (ImageFormat.OCI, Compression.ZSTD): "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
    (ImageFormat.DOCKER, Compression.NONE): "application/vnd.docker.image.rootfs.foreign.diff.tar",
    (ImageFormat.DOCKER, Compression.GZIP): "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
}
# In the wild, though no specification has it.
DOCKER_ZSTD_LAYER = "application/vnd.docker.image.rootfs.diff.tar.zstd"
FOREIGN_LAYERS = frozenset(_FOREIGN_LAYERS.values())
_LAYER_COMPRESSIONS = {
    media_type: compression for layers in (_LAYERS, _FOREIGN_LAYERS) for (_, compression), media_type in layers.items()
} | {DOCKER_ZSTD_LAYER: Compression.ZSTD}


def layer_media_type(image_format: ImageFormat, compression: Compression, *, foreign: bool = False) -> str:
    """Return the media type of a layer. Raises `UnsupportedFormat` where the format has none (zstd in Docker's).

    >>> layer_media_type(ImageFormat.OCI, Compression.ZSTD)
    'application/vnd.oci.image.layer.v1.tar+zstd'
    """
    media_type = (_FOREIGN_LAYERS if foreign else _LAYERS).get((image_format, compression))
    if media_type is None:
        raise UnsupportedFormat(
            f"{compression} layers cannot be written in the {image_format} image format; use gzip, or the oci format"
        )
    return media_type


def layer_compression(media_type: str) -> Compression | None:
    """Return the compression that a layer's media type names, None when it is not a layer's type."""
    return _LAYER_COMPRESSIONS.get(media_type)
