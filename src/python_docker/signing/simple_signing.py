"""Simple signing: cosign's older signatures, in an image under a tag of their own (cosign, specs/SIGNATURE_SPEC.md)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any

from python_docker.errors import InvalidSignature
from python_docker.image.blob import Blob
from python_docker.signing.keys import SigningKey, VerifyingKey
from python_docker.spec.descriptor import Descriptor
from python_docker.spec.digest import Digest
from python_docker.spec.documents import Manifest
from python_docker.spec.media_types import OCI_CONFIG, OCI_MANIFEST
from python_docker.spec.strict_json import parse_json

PAYLOAD = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNATURE_ANNOTATION = "dev.cosignproject.cosign/signature"
_KIND = "cosign container image signature"


def signature_tag(digest: Digest) -> str:
    """Return the tag that signatures of an image are found under.

    >>> signature_tag(Digest.of(b"{}"))
    'sha256-44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a.sig'
    """
    return f"{digest.algorithm}-{digest.encoded}.sig"


def sign_digest(digest: Digest, repository: str, key: SigningKey) -> Blob:
    """Return the signed payload for an image in a repository: a layer, with its signature in an annotation."""
    payload = {
        "critical": {
            "identity": {"docker-reference": repository},
            "image": {"docker-manifest-digest": digest},
            "type": _KIND,
        },
        "optional": None,
    }
    content = json.dumps(payload, separators=(",", ":")).encode()
    signature = base64.b64encode(key.sign(content)).decode("ascii")
    blob = Blob.from_bytes(content, PAYLOAD)
    return blob.describe(blob.descriptor.replace(annotations={SIGNATURE_ANNOTATION: signature}))


def signatures_image(payloads: Sequence[Descriptor]) -> tuple[Manifest, Blob]:
    """Return the image that holds signed payloads, and its config.

    It names no time, so that it is the same for the same signatures.
    """
    config = {
        "architecture": "",
        "config": {},
        "created": "0001-01-01T00:00:00Z",
        "history": [{"created": "0001-01-01T00:00:00Z"} for _ in payloads],
        "os": "",
        "rootfs": {"type": "layers", "diff_ids": [payload.digest for payload in payloads]},
    }
    blob = Blob.from_bytes(json.dumps(config, separators=(",", ":")).encode(), OCI_CONFIG)
    value = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": blob.descriptor.to_json(),
        "layers": [payload.to_json() for payload in payloads],
    }
    return Manifest.build(value), blob


def verify_payload(content: bytes, signature: str, key: VerifyingKey) -> Digest:
    """Return the digest of the image that a payload signs. Raises `InvalidSignature` unless the key signed it."""
    try:
        raw = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidSignature("its signature is not base64") from None
    if not key.verifies(raw, content):
        raise InvalidSignature("another key signed it")
    try:
        critical: Any = parse_json(content, "the payload")["critical"]
        if critical["type"] != _KIND:
            raise ValueError("another kind")
        return Digest(critical["image"]["docker-manifest-digest"])
    except (ValueError, KeyError, TypeError):
        raise InvalidSignature("what is signed is not cosign's payload for an image") from None
