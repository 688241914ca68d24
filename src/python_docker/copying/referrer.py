"""Referrers: documents that are attached to an image, such as its bill of materials.

Sources: image-spec, manifest.md, "Guidelines for Artifact Usage"; distribution-spec, "Listing Referrers".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from python_docker.copying.attached import attached_manifest
from python_docker.copying.transfer import put_blobs
from python_docker.errors import InvalidDocument, UnsupportedFormat
from python_docker.image.blob import Blob
from python_docker.progress import SILENT
from python_docker.spec.digest import Digest
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.manifest import Index, Manifest
from python_docker.spec.media_types import OCI_MANIFEST
from python_docker.transports.medium import Destination, ListsReferrers, Source, TakesReferrers

EMPTY_CONFIG = "application/vnd.oci.empty.v1+json"
"""The media type of `{}`, the config of artifacts that need none."""
MAX_REFERRER_SIZE = 64 << 20
"""How many bytes an attached document may have to be read."""


@dataclass(frozen=True, slots=True)
class Referrer:
    """A document to be attached to a manifest. `media_type` is the type of the document, and of the artifact.

    >>> Referrer("application/spdx+json", b"{}").manifest(Descriptor.of(b"{}", OCI_MANIFEST)).artifact_type
    'application/spdx+json'
    """

    media_type: str
    content: bytes
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def blobs(self) -> tuple[Blob, Blob]:
        """The document, and the empty config."""
        return Blob.from_bytes(self.content, self.media_type), Blob.from_bytes(b"{}", EMPTY_CONFIG)

    def manifest(self, subject: Descriptor) -> Manifest:
        """Return the artifact manifest that attaches the document to `subject`."""
        document, config = self.blobs
        value = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": self.media_type,
            "config": config.descriptor.to_json(),
            "layers": [document.descriptor.to_json()],
            "subject": subject.to_json(),
        }
        if self.annotations:
            value["annotations"] = dict(sorted(self.annotations.items()))
        return Manifest.build(value)


def put_referrer(referrer: Referrer, subject: Manifest | Index, destination: Destination) -> Manifest:
    """Attach a document to a manifest that was put into `destination`, and return the artifact's manifest.

    Raises `UnsupportedFormat` for a destination that holds no referrers.
    """
    if not isinstance(destination, TakesReferrers):
        raise UnsupportedFormat(
            "nothing can be attached to images there; use a registry, an OCI layout or an OCI archive"
        )
    manifest = referrer.manifest(subject.descriptor)
    put_blobs(referrer.blobs, destination, SILENT)
    destination.put_referrer(manifest)
    return manifest


def read_referrers(source: Source, digest: Digest, media_type: str) -> Iterator[bytes]:
    """Yield the documents of one type that are attached to a manifest, the newest first.

    The newest is judged by `org.opencontainers.image.created`. Yields nothing where the medium knows no referrers.
    Raises `InvalidDocument` for an artifact that is not what it is listed as, and what reading the source raises.
    """
    for entry in list_referrers(source, digest, media_type):
        yield read_document(source, entry, digest)


def list_referrers(source: Source, digest: Digest, media_type: str) -> list[Descriptor]:
    """Return what is attached to a manifest as a document of one type, the newest first; see `read_referrers`."""
    if not isinstance(source, ListsReferrers):
        return []
    listed = [entry for entry in source.referrers(digest) if entry.artifact_type == media_type]
    return sorted(listed, key=_created, reverse=True)


def read_document(source: Source, entry: Descriptor, digest: Digest) -> bytes:
    """Return the document in what is listed as attached to a manifest.

    Raises `InvalidDocument` for an artifact that is not what it is listed as, and what reading the source raises.
    """
    manifest = attached_manifest(source, entry, digest)
    documents = [layer for layer in manifest.layers if layer.media_type == entry.artifact_type]
    if len(documents) != 1:
        raise InvalidDocument(
            f"{entry.digest} should hold one document of type {entry.artifact_type}; it has {len(documents)}"
        )
    if documents[0].size > MAX_REFERRER_SIZE:
        raise InvalidDocument(
            f"{entry.digest} holds a document of {documents[0].size} bytes; at most {MAX_REFERRER_SIZE} are read"
        )
    return source.blob(documents[0]).read(documents[0].size)


def _created(entry: Descriptor) -> tuple[str, str]:
    return (entry.annotations or {}).get("org.opencontainers.image.created", ""), entry.digest
