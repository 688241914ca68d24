"""What signs, in both forms."""

from __future__ import annotations

import base64

from python_docker.signing.bundle import verify_bundle
from python_docker.signing.keys import read_signing_key
from python_docker.signing.signer import KeySigner
from python_docker.signing.simple_signing import SIGNATURE_ANNOTATION
from python_docker.signing.statement import SIGNATURE, statement
from python_docker.spec.digest import Digest
from tests.python_docker.signing.keys import ecdsa_key, pem

KEY = read_signing_key(pem(ecdsa_key()), lambda: b"")


def test_a_key_signs_statements() -> None:
    bundle = KeySigner(KEY)(statement(Digest.of(b"1"), SIGNATURE, {}))
    assert verify_bundle(bundle, KEY.public).digests == {Digest.of(b"1")}


def test_a_key_signs_payloads() -> None:
    annotations = KeySigner(KEY).sign_payload(b"payload")
    assert list(annotations) == [SIGNATURE_ANNOTATION]
    assert KEY.public.verifies(base64.b64decode(annotations[SIGNATURE_ANNOTATION]), b"payload")


def test_the_key_is_not_shown() -> None:
    assert repr(KeySigner(KEY)) == "KeySigner()"
