"""Sources, destinations and progress in memory, for tests of what is copied."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterable
from typing import Any, ClassVar

from python_docker.image.blob import Blob
from python_docker.image.blob_store import BlobStore
from python_docker.progress import Task
from python_docker.spec.digest import Digest
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.manifest import Index, Manifest
from python_docker.spec.media_types import OCI_MANIFEST, ImageFormat
from python_docker.spec.strict_json import dump_json
from python_docker.streams.compression import Compression, open_decompressed
from tests.python_docker.making import HELLO, MORE, Made, config_of


class Kept:
    """A destination in memory that can keep everything."""

    formats: ClassVar = frozenset(ImageFormat)
    compressions: ClassVar = frozenset({Compression.NONE, Compression.GZIP, Compression.ZSTD})
    takes_index: ClassVar = True
    parallel: ClassVar = 3

    def __init__(self, staging: BlobStore | None = None) -> None:
        self.staging = staging
        self.blobs: dict[Digest, bytes] = {}
        self.manifests: dict[Digest, Manifest | Index] = {}
        self.root: Manifest | Index | None = None
        self._lock = threading.Lock()

    def put_blob(self, blob: Blob, task: Task) -> str:
        with blob.open() as stream:
            content = stream.read()
        task.advance(len(content))
        with self._lock:
            self.blobs[blob.descriptor.digest] = content
        return ""

    def put_manifest(self, manifest: Manifest | Index, *, root: bool) -> None:
        if isinstance(manifest, Index):
            # An entry of another type than a manifest's is a blob.
            known = self.manifests.keys() | self.blobs.keys()
            assert all(child.digest in known for child in manifest.manifests), "children come first"
        else:
            assert all(layer.digest in self.blobs for layer in (*manifest.layers, manifest.config)), "blobs come first"
        self.manifests[manifest.digest] = manifest
        if root:
            assert self.root is None
            self.root = manifest

    def commit(self) -> None: ...

    def abort(self) -> None: ...

    def tar(self, descriptor: Descriptor) -> bytes:
        return open_decompressed(io.BytesIO(self.blobs[descriptor.digest])).read()


def limited(
    kept_formats: Iterable[ImageFormat] = Kept.formats,
    *,
    compressions: Iterable[Compression] = Kept.compressions,
    takes_index: bool = True,
    staging: BlobStore | None = None,
) -> Kept:
    """Return a destination in memory that can keep no more than this."""
    limits = {
        "formats": frozenset(kept_formats),
        "compressions": frozenset(compressions),
        "takes_index": takes_index,
    }
    kept: Kept = type("Limited", (Kept,), limits)(staging)
    return kept


class Heard:
    """Hears of every piece of work."""

    def __init__(self) -> None:
        self.totals: dict[str, int | None] = {}
        self.moved: dict[str, int] = {}
        self.ended: list[str] = []
        self._lock = threading.Lock()

    def start(self, label: str, total: int | None) -> Any:
        heard = self
        with self._lock:
            self.totals[label] = total
            self.moved[label] = 0

        class Piece:
            def advance(self, size: int) -> None:
                with heard._lock:
                    heard.moved[label] += size

            def finish(self, outcome: str = "") -> None:
                with heard._lock:
                    heard.ended.append(label)

        return Piece()


class Many(Made):
    """An index of images, and an attestation, as BuildKit writes them."""

    def __init__(self, *, image_format: ImageFormat = ImageFormat.OCI, nested: int = 0) -> None:
        super().__init__()
        self.images = {
            name: Made([HELLO, tar], config=config_of([HELLO, tar], architecture=name), image_format=image_format)
            for name, tar in (("amd64", MORE), ("arm64", HELLO))
        }
        manifests = []
        for name, made in self.images.items():
            self.blobs |= made.blobs
            descriptor = self.put(dump_json(made.value), image_format.manifest_type)
            manifests.append(descriptor | {"platform": {"os": "linux", "architecture": name}})
        statement = self.put(b'{"statement":1}', "application/vnd.in-toto+json")
        attestation = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": self.put(dump_json({"rootfs": {"diff_ids": [statement["digest"]]}}), ImageFormat.OCI.config_type),
            "layers": [statement],
        }
        unknown = {"platform": {"os": "unknown", "architecture": "unknown"}, "annotations": {"a": "b"}}
        manifests.append(self.put(dump_json(attestation), OCI_MANIFEST) | unknown)
        self.value = {"schemaVersion": 2, "mediaType": image_format.index_type, "manifests": manifests, "unknown": 1}
        for _ in range(nested):
            inner = self.put(dump_json(self.value), image_format.index_type)
            self.value = {"schemaVersion": 2, "mediaType": image_format.index_type, "manifests": [inner]}
