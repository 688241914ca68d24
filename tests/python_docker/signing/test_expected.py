"""Who should have signed."""

from __future__ import annotations

import json

import pytest

from python_docker.errors import InvalidSignature
from python_docker.signing.expected import ByKey
from python_docker.signing.keys import read_signing_key
from python_docker.signing.signer import KeySigner
from python_docker.signing.simple_signing import sign_digest
from python_docker.signing.statement import SIGNATURE, statement
from python_docker.spec.digest import Digest
from tests.python_docker.signing.keys import ecdsa_key, pem

KEY, OTHER = (read_signing_key(pem(ecdsa_key()), lambda: b"") for _ in range(2))
DIGEST = Digest.of(b"an image")


def test_a_key_in_each_form() -> None:
    expected = ByKey(KEY.public, "mine")
    bundle = KeySigner(KEY)(statement(DIGEST, SIGNATURE, {}))
    assert expected.statement(bundle).digests == {DIGEST}
    envelope = json.dumps(json.loads(bundle)["dsseEnvelope"]).encode()
    assert expected.attestation(envelope, {}).digests == {DIGEST}
    payload = sign_digest(DIGEST, "app", KeySigner(KEY).sign_payload)
    assert expected.payload(payload.read(), payload.descriptor.annotations or {}) == DIGEST


def test_another_key_in_each_form() -> None:
    expected = ByKey(OTHER.public)
    bundle = KeySigner(KEY)(statement(DIGEST, SIGNATURE, {}))
    envelope = json.dumps(json.loads(bundle)["dsseEnvelope"]).encode()
    payload = sign_digest(DIGEST, "app", KeySigner(KEY).sign_payload)
    for check in (
        lambda: expected.statement(bundle),
        lambda: expected.attestation(envelope, {}),
        lambda: expected.payload(payload.read(), payload.descriptor.annotations or {}),
        lambda: expected.payload(payload.read(), {}),
    ):
        with pytest.raises(InvalidSignature, match="another key signed it"):
            check()
