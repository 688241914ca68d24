"""Images made by hand, in memory."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from python_docker.errors import NotFound
from python_docker.image import Image
from python_docker.image.blob import Blob
from python_docker.spec.digest import Digest
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.manifest import Index, Manifest, parse_manifest
from python_docker.spec.media_types import ImageFormat, layer_media_type
from python_docker.spec.strict_json import dump_json
from python_docker.streams.compression import Compression, zstd_module
from tests.images import layer_tar

HELLO = layer_tar({"etc/greeting": b"hello\n"})
MORE = layer_tar({"usr/share/doc/readme": b"read me\n", "etc/other": b""})


def compress(tar: bytes, compression: Compression) -> bytes:
    if compression is Compression.GZIP:
        return gzip.compress(tar, mtime=0)
    return bytes(zstd_module().compress(tar)) if compression is Compression.ZSTD else tar


def config_of(tars: Sequence[bytes], **fields: Any) -> dict[str, Any]:
    """A config for these uncompressed layers, bottom first; fields that are None are left out."""
    value = {
        "architecture": "amd64",
        "os": "linux",
        "created": "2020-01-01T00:00:00Z",
        "config": {"Env": ["PATH=/bin"], "Cmd": ["/bin/sh"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(tar).hexdigest()}" for tar in tars]},
        "history": [{"created_by": f"layer {number}"} for number in range(len(tars))],
        **fields,
    }
    return {key: field for key, field in value.items() if field is not None}


class Made:
    """Documents and blobs; also a `Source` of them. Tests damage what they like."""

    reference = None

    def __init__(
        self,
        tars: Sequence[bytes] = (HELLO,),
        *,
        config: Mapping[str, Any] | None = None,
        image_format: ImageFormat = ImageFormat.OCI,
        compression: Compression = Compression.GZIP,
        **fields: Any,
    ) -> None:
        self.blobs: dict[Digest, bytes] = {}
        config_raw = dump_json(config_of(tars) if config is None else dict(config))
        media_type = layer_media_type(image_format, compression)
        self.value: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": image_format.manifest_type,
            "config": self.put(config_raw, image_format.config_type),
            "layers": [self.put(compress(tar, compression), media_type) for tar in tars],
            **fields,
        }

    def put(self, content: bytes, media_type: str) -> dict[str, Any]:
        """Keep a blob, and give its descriptor."""
        descriptor = Descriptor.of(content, media_type)
        self.blobs[descriptor.digest] = content
        return descriptor.to_json()

    def root(self) -> Manifest | Index:
        return parse_manifest(dump_json(self.value))

    def child(self, descriptor: Descriptor) -> Manifest | Index:
        return parse_manifest(self.blob(descriptor).read(), descriptor.media_type)

    def blob(self, descriptor: Descriptor) -> Blob:
        content = self.blobs.get(descriptor.digest)
        if content is None:
            raise NotFound(f"there is no blob {descriptor.digest}")
        return Blob(descriptor, Blob.from_bytes(content, descriptor.media_type).opener)

    def close(self) -> None:
        """Nothing is open."""

    def image(self) -> Image:
        root = self.root()
        assert isinstance(root, Manifest)
        return Image.from_manifest(root, self.blob)
