"""The form of attestations that BuildKit writes: a manifest next to the image, in its index.

`docker buildx imagetools inspect` and `docker scout` look there. Source: moby/buildkit,
docs/attestations/attestation-storage.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from python_docker.copying.referrer import EMPTY_CONFIG
from python_docker.image.blob import Blob
from python_docker.signing.statement import MEDIA_TYPE
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.manifest import Manifest
from python_docker.spec.media_types import OCI_MANIFEST

ARTIFACT_TYPE = "application/vnd.docker.attestation.manifest.v1+json"
PREDICATE_TYPE = "in-toto.io/predicate-type"
"""The annotation that says what a statement is about, on its layer."""


def attestation_manifest(subject: Descriptor, statements: Sequence[tuple[str, bytes]]) -> tuple[Manifest, list[Blob]]:
    """Return the manifest that holds statements about an image, pairs of predicate type and content, and its blobs."""
    blobs = []
    for predicate_type, content in statements:
        blob = Blob.from_bytes(content, MEDIA_TYPE)
        blobs.append(blob.describe(blob.descriptor.replace(annotations={PREDICATE_TYPE: predicate_type})))
    config = Blob.from_bytes(b"{}", EMPTY_CONFIG)
    value = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": ARTIFACT_TYPE,
        "config": config.descriptor.to_json(),
        "layers": [blob.descriptor.to_json() for blob in blobs],
        "subject": subject.to_json(),
    }
    return Manifest.build(value), [*blobs, config]


def attestation_descriptor(manifest: Manifest, subject: Descriptor) -> Descriptor:
    """Return how an index names it: for no platform, so that nothing runs it, and with the image that it is about."""
    annotations = {
        "vnd.docker.reference.digest": subject.digest,
        "vnd.docker.reference.type": "attestation-manifest",
    }
    return manifest.descriptor.replace(annotations=annotations, platform={"architecture": "unknown", "os": "unknown"})
