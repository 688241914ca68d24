"""Simple signing: cosign's older signatures, in an image under a tag of their own (cosign, specs/SIGNATURE_SPEC.md)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping

from python_docker.errors import InvalidSignature
from python_docker.image.blob import Blob
from python_docker.signing.keys import VerifyingKey
from python_docker.spec.digest import Digest
from python_docker.spec.digest_tags import PAYLOAD, PAYLOAD_KIND, signed_digest

SIGNATURE_ANNOTATION = "dev.cosignproject.cosign/signature"
PayloadSigner = Callable[[bytes], Mapping[str, str]]
"""Returns the annotations with the signature on a payload."""


def sign_digest(digest: Digest, repository: str, sign: PayloadSigner) -> Blob:
    """Return the signed payload for an image in a repository: a layer, with its signature in annotations."""
    payload = {
        "critical": {
            "identity": {"docker-reference": repository},
            "image": {"docker-manifest-digest": digest},
            "type": PAYLOAD_KIND,
        },
        "optional": None,
    }
    content = json.dumps(payload, separators=(",", ":")).encode()
    blob = Blob.from_bytes(content, PAYLOAD)
    return blob.describe(blob.descriptor.replace(annotations=dict(sign(content))))


def verify_payload(content: bytes, signature: str, key: VerifyingKey) -> Digest:
    """Return the digest of the image that a payload signs. Raises `InvalidSignature` unless the key signed it."""
    try:
        raw = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidSignature("its signature is not base64") from None
    if not key.verifies(raw, content):
        raise InvalidSignature("another key signed it")
    try:
        return signed_digest(content)
    except ValueError:
        raise InvalidSignature("what is signed is not cosign's payload for an image") from None
