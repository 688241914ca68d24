"""Bundles: what is signed, and what is not taken for it."""

from __future__ import annotations

import base64
import json
import subprocess
from typing import Any

import pytest

from python_docker.errors import InvalidSignature
from python_docker.signing.bundle import has_certificate, is_about, sign_statement, verify_bundle
from python_docker.signing.keys import read_signing_key
from python_docker.signing.statement import SIGNATURE, statement
from python_docker.spec.digest import Digest
from tests.python_docker.signing.keys import ecdsa_key, pem

DIGEST = Digest.of(b"an image")
KEY = read_signing_key(pem(ecdsa_key()), lambda: b"")
BUNDLE: dict[str, Any] = json.loads(sign_statement(statement(DIGEST, SIGNATURE, {}), KEY))


def changed(**envelope: Any) -> bytes:
    return json.dumps(BUNDLE | {"dsseEnvelope": BUNDLE["dsseEnvelope"] | envelope}).encode()


def encoded(value: object) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def test_a_signed_statement() -> None:
    found = verify_bundle(json.dumps(BUNDLE).encode(), KEY.public)
    assert is_about(found, DIGEST)
    assert not is_about(found, Digest.of(b"another"))
    assert found.predicate_type == SIGNATURE
    assert not has_certificate(json.dumps(BUNDLE).encode())
    assert BUNDLE["verificationMaterial"] == {"publicKey": {"hint": KEY.public.hint}}


def test_another_key() -> None:
    other = read_signing_key(pem(ecdsa_key()), lambda: b"")
    with pytest.raises(InvalidSignature, match="another key signed it"):
        verify_bundle(json.dumps(BUNDLE).encode(), other.public)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        json.dumps({**BUNDLE, "mediaType": "text/plain"}).encode(),
        json.dumps({**BUNDLE, "dsseEnvelope": None}).encode(),
        changed(signatures=[]),
        changed(signatures=BUNDLE["dsseEnvelope"]["signatures"] * 2),
        changed(signatures=[{"sig": "?"}]),
        changed(payload=encoded(json.loads(statement(Digest.of(b"another"), SIGNATURE, {})))),
        changed(payloadType="text/plain"),
        changed(payload=7),
    ],
)
def test_what_was_changed_is_not_signed(content: bytes) -> None:
    with pytest.raises(InvalidSignature):
        verify_bundle(content, KEY.public)


@pytest.mark.parametrize(
    "value",
    [[], {}, {"_type": "other", "subject": [], "predicateType": "p"}, {"_type": "https://in-toto.io/Statement/v1"}],
)
def test_a_signature_on_something_else(value: object) -> None:
    with pytest.raises(InvalidSignature, match="not an in-toto statement"):
        verify_bundle(sign_statement(json.dumps(value).encode(), KEY), KEY.public)


def test_sigstores_own_library_reads_the_envelope() -> None:
    """It knows no bundles by keys, but envelopes: its encoding of what is signed is ours."""
    from sigstore.dsse import Envelope, _pae

    envelope = Envelope._from_json(json.dumps(BUNDLE["dsseEnvelope"]).encode())
    signature = base64.b64decode(BUNDLE["dsseEnvelope"]["signatures"][0]["sig"])
    signed = _pae(envelope._inner.payload_type, envelope._inner.payload)
    assert KEY.public.verifies(signature, signed)


def test_openssl_verifies_the_signature(tmp_path: Any) -> None:
    from python_docker.signing.bundle import pre_authentication_encoding

    envelope = BUNDLE["dsseEnvelope"]
    (tmp_path / "key.pub").write_bytes(KEY.public.pem)
    (tmp_path / "signature").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    signed = pre_authentication_encoding(envelope["payloadType"], base64.b64decode(envelope["payload"]))
    (tmp_path / "signed").write_bytes(signed)
    command = ["openssl", "dgst", "-sha256", "-verify", "key.pub", "-signature", "signature", "signed"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Verified OK" in result.stdout
