"""Sigstore bundles: a signed statement in one JSON document, as cosign 3 attaches it to images.

Sources: sigstore/protobuf-specs, sigstore_bundle.proto; cosign, specs/BUNDLE_SPEC.md; DSSE, protocol.md.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from python_docker.errors import InvalidSignature
from python_docker.signing.keys import SigningKey, VerifyingKey
from python_docker.signing.statement import PAYLOAD_TYPE, STATEMENT_TYPE
from python_docker.spec.digest import Digest
from python_docker.spec.strict_json import parse_json

BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
ENVELOPE = "application/vnd.dsse.envelope.v1+json"
"""The media type of a signed statement by itself, as cosign 1 and 2 keep attestations."""
MAX_BUNDLE = 64 << 20
"""How many bytes a bundle may have: a bill of materials may be in it."""
_BUNDLE_TYPES = frozenset(
    {BUNDLE_TYPE, *(f"application/vnd.dev.sigstore.bundle+json;version=0.{minor}" for minor in (1, 2, 3))}
)
# Of in-toto's first version too, which older cosign writes.
_STATEMENT_TYPES = frozenset({STATEMENT_TYPE, "https://in-toto.io/Statement/v0.1"})


@dataclass(frozen=True, slots=True)
class Statement:
    """What is said of the images with `digests`: `predicate`, of the type that says how it is read."""

    digests: frozenset[str]
    predicate_type: str
    predicate: Mapping[str, Any]


def sign_statement(content: bytes, key: SigningKey) -> bytes:
    """Return a bundle with a statement that is signed by a key."""
    signature = key.sign(pre_authentication_encoding(PAYLOAD_TYPE, content))
    value = {
        "mediaType": BUNDLE_TYPE,
        "verificationMaterial": {"publicKey": {"hint": key.public.hint}},
        "dsseEnvelope": {
            "payload": _base64(content),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"sig": _base64(signature)}],
        },
    }
    return json.dumps(value, separators=(",", ":")).encode()


def verify_bundle(content: bytes, key: VerifyingKey) -> Statement:
    """Return the statement in a bundle that is signed by a key.

    What a transparency log may say in the bundle is not looked at: the key alone counts. Raises `InvalidSignature` for
    a bundle that another key signed, that holds no statement, or that is malformed.
    """
    if has_certificate(content):
        raise InvalidSignature("an identity signed it, and not a key")
    return _verified(_parse(content).get("dsseEnvelope"), key)


def verify_envelope(content: bytes, key: VerifyingKey) -> Statement:
    """Return the statement in an envelope that is signed by a key. Raises `InvalidSignature`, as `verify_bundle`."""
    return _verified(parse_envelope(content), key)


def parse_envelope(content: bytes) -> Any:
    """Return an envelope as JSON, which nobody has verified. Raises `InvalidSignature` for what is not JSON."""
    try:
        return parse_json(content, "the envelope", limit=MAX_BUNDLE)
    except ValueError:
        raise InvalidSignature("it is not a signed envelope") from None


def _verified(envelope: Any, key: VerifyingKey) -> Statement:
    payload_type, payload, signature = _envelope(envelope)
    if not key.verifies(signature, pre_authentication_encoding(payload_type, payload)):
        raise InvalidSignature("another key signed it")
    return parse_statement(payload_type, payload)


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes that are signed for a payload (DSSE, protocol.md, "Signature Definition").

    >>> pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")
    b'DSSEv1 29 http://example.com/HelloWorld 11 hello world'
    """
    encoded = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(encoded), encoded, len(payload), payload)


def parse_statement(payload_type: str, payload: bytes) -> Statement:
    """Return the statement that a payload is. Raises `InvalidSignature` for another payload."""
    if payload_type != PAYLOAD_TYPE:
        raise InvalidSignature(f"it holds {payload_type[:80]!r}, which is not a statement")
    try:
        value = parse_json(payload, "the statement", limit=MAX_BUNDLE)
        if value["_type"] not in _STATEMENT_TYPES:
            raise ValueError("another type")
        digests = {
            f"{algorithm}:{encoded}" for subject in value["subject"] for algorithm, encoded in subject["digest"].items()
        }
        predicate = value.get("predicate") or {}
        if not isinstance(predicate, dict):
            raise TypeError("no object")
        return Statement(frozenset(map(str, digests)), str(value["predicateType"]), predicate)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InvalidSignature("what it holds is not an in-toto statement") from None


def is_about(statement: Statement, digest: Digest) -> bool:
    """Return whether a statement is about the image with this digest."""
    return digest in statement.digests


def has_certificate(content: bytes) -> bool:
    """Return whether a bundle is signed by an identity, with a certificate, rather than by a key.

    Raises `InvalidSignature` for what is not a bundle.
    """
    material = _parse(content).get("verificationMaterial")
    return isinstance(material, dict) and ("certificate" in material or "x509CertificateChain" in material)


def _parse(content: bytes) -> Mapping[str, Any]:
    try:
        value = parse_json(content, "the bundle", limit=MAX_BUNDLE)
    except ValueError:
        value = None
    if not isinstance(value, dict) or value.get("mediaType") not in _BUNDLE_TYPES:
        raise InvalidSignature("it is not a Sigstore bundle")
    return value


def _envelope(envelope: Any) -> tuple[str, bytes, bytes]:
    """Return the payload type, the payload and the one signature of an envelope."""
    try:
        [signature] = envelope["signatures"]
        payload = base64.b64decode(envelope["payload"], validate=True)
        return str(envelope["payloadType"]), payload, base64.b64decode(signature["sig"], validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise InvalidSignature("it does not hold one signed statement") from None


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
