"""cosign's older signatures."""

from __future__ import annotations

import base64
import json

import pytest

from python_docker.errors import InvalidSignature
from python_docker.signing.keys import read_signing_key
from python_docker.signing.signer import KeySigner
from python_docker.signing.simple_signing import SIGNATURE_ANNOTATION, sign_digest, verify_payload
from python_docker.spec.digest import Digest
from tests.python_docker.signing.keys import ecdsa_key, pem

DIGEST = Digest.of(b"an image")
KEY = read_signing_key(pem(ecdsa_key()), lambda: b"")


def signature_of(annotations: object) -> str:
    assert isinstance(annotations, dict)
    return str(annotations[SIGNATURE_ANNOTATION])


def test_a_signed_payload() -> None:
    blob = sign_digest(DIGEST, "ghcr.io/org/app", KeySigner(KEY).sign_payload)
    signature = signature_of(blob.descriptor.annotations)
    assert verify_payload(blob.read(), signature, KEY.public) == DIGEST
    with pytest.raises(InvalidSignature, match="another key"):
        verify_payload(blob.read(), signature, read_signing_key(pem(ecdsa_key()), lambda: b"").public)
    with pytest.raises(InvalidSignature, match="another key"):
        verify_payload(blob.read().replace(b"ghcr", b"ghcx"), signature, KEY.public)
    with pytest.raises(InvalidSignature, match="not base64"):
        verify_payload(blob.read(), "?", KEY.public)


@pytest.mark.parametrize("value", [{}, [], {"critical": {"type": "other"}}])
def test_a_signature_on_something_else(value: object) -> None:
    content = json.dumps(value).encode()
    signature = base64.b64encode(KEY.sign(content)).decode()
    with pytest.raises(InvalidSignature, match="not cosign's payload"):
        verify_payload(content, signature, KEY.public)
