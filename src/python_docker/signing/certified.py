"""cosign's older signatures by an identity: certificate and log entry stand in annotations, next to the signature.

The entry comes with the log's promise to include it (its signed timestamp) and without a proof that it did, so the
library `sigstore` is told to check the promise alone, as cosign does. Sources: cosign, specs/SIGNATURE_SPEC.md and
pkg/cosign/bundle/rekor.go.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from python_docker.errors import InvalidSignature
from python_docker.signing.bundle import Statement, parse_envelope, parse_statement
from python_docker.signing.simple_signing import SIGNATURE_ANNOTATION
from python_docker.spec.digest import Digest
from python_docker.spec.digest_tags import signed_digest
from python_docker.spec.strict_json import parse_json

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from sigstore.models import Bundle, TrustedRoot

CERTIFICATE = "dev.sigstore.cosign/certificate"
CHAIN = "dev.sigstore.cosign/chain"
ENTRY = "dev.sigstore.cosign/bundle"
_MAX_ENTRY = 1 << 20  # bytes
_NO_PROOF = {"logIndex": "0", "rootHash": "", "treeSize": "1", "hashes": [], "checkpoint": {"envelope": ""}}
"""The library cannot hold an entry without one; it is never looked at."""
_MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"


def annotations_of(bundle: str, issuers: Sequence[Certificate]) -> dict[str, str]:
    """Return the annotations that say what a bundle with a signed artifact does.

    The chain is taken from `issuers`. Raises `ValueError` for an entry of a log that gives no promises (Rekor 2).
    """
    from cryptography.x509 import load_der_x509_certificate

    value = json.loads(bundle)
    material = value["verificationMaterial"]
    [entry] = material["tlogEntries"]
    promise = (entry.get("inclusionPromise") or {}).get("signedEntryTimestamp")
    if not promise:
        raise ValueError("its log gives no promises, which this form of signatures needs (Rekor 1 does)")
    logged = {
        "SignedEntryTimestamp": promise,
        "Payload": {
            "body": entry["canonicalizedBody"],
            "integratedTime": int(entry["integratedTime"]),
            "logIndex": int(entry.get("logIndex") or 0),
            "logID": base64.b64decode(entry["logId"]["keyId"]).hex(),
        },
    }
    certificate = load_der_x509_certificate(base64.b64decode(material["certificate"]["rawBytes"]))
    return {
        SIGNATURE_ANNOTATION: value["messageSignature"]["signature"],
        CERTIFICATE: _pem(certificate),
        CHAIN: "".join(map(_pem, _chain(certificate, issuers))),
        ENTRY: json.dumps(logged, separators=(",", ":")),
    }


def _chain(certificate: Certificate, issuers: Sequence[Certificate]) -> list[Certificate]:
    """Return who issued a certificate, who issued that, and so on to the root."""
    from cryptography.exceptions import InvalidSignature as Forged

    found: list[Certificate] = []
    while certificate.subject != certificate.issuer and len(found) <= len(issuers):
        for issuer in issuers:
            try:
                certificate.verify_directly_issued_by(issuer)
            except (ValueError, TypeError, Forged):
                continue
            found.append(issuer)
            break
        else:
            break
        certificate = found[-1]
    return found


def _pem(certificate: Certificate) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM).decode("ascii")


def verify_payload_of(
    content: bytes, annotations: Mapping[str, str], identity: str, issuer: str, root: TrustedRoot
) -> Digest:
    """Return the digest of the image that a payload signs. Raises `InvalidSignature` unless the identity signed it."""
    from sigstore.verify import Verifier
    from sigstore.verify.policy import Identity

    signature = {"messageSignature": {"signature": annotations.get(SIGNATURE_ANNOTATION, "")}}
    bundle = _bundle(annotations, signature)
    try:
        Verifier(trusted_root=root).verify_artifact(content, bundle, Identity(identity=identity, issuer=issuer))
    except Exception as error:  # whatever a hostile certificate has the library raise, it does not count
        raise not_by(identity, error) from None
    try:
        return signed_digest(content)
    except ValueError:
        raise InvalidSignature("what is signed is not cosign's payload for an image") from None


def verify_envelope_of(
    content: bytes, annotations: Mapping[str, str], identity: str, issuer: str, root: TrustedRoot
) -> Statement:
    """Return the statement in an envelope that an identity signed. Raises `InvalidSignature`."""
    from sigstore.verify import Verifier
    from sigstore.verify.policy import Identity

    bundle = _bundle(annotations, {"dsseEnvelope": parse_envelope(content)})
    try:
        kind, payload = Verifier(trusted_root=root).verify_dsse(bundle, Identity(identity=identity, issuer=issuer))
    except Exception as error:
        raise not_by(identity, error) from None
    return parse_statement(kind, payload)


def not_by(identity: str, error: Exception) -> InvalidSignature:
    """Return the error for a signature that is not by an identity, given what the library says of it."""
    said = next(iter(str(error).splitlines()), type(error).__name__)
    return InvalidSignature(f"it is not by {identity}: {said[:500]}")


def _bundle(annotations: Mapping[str, str], content: Mapping[str, Any]) -> Bundle:
    """Return what annotations say, with the signed content, as the library reads it. Raises `InvalidSignature`."""
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import load_pem_x509_certificate

    if not annotations.get(CERTIFICATE):
        raise InvalidSignature("a key signed it, and not an identity")
    if not annotations.get(ENTRY):
        raise InvalidSignature("no transparency log says when it was signed")
    try:
        certificate = load_pem_x509_certificate(annotations[CERTIFICATE].encode())
        logged = parse_json(annotations[ENTRY].encode(), "the log entry", limit=_MAX_ENTRY)
        payload = logged["Payload"]
        body = json.loads(base64.b64decode(payload["body"], validate=True))
        entry = {
            "logIndex": str(int(payload["logIndex"])),
            "logId": {"keyId": base64.b64encode(bytes.fromhex(payload["logID"])).decode("ascii")},
            "kindVersion": {"kind": body["kind"], "version": body["apiVersion"]},
            "integratedTime": str(int(payload["integratedTime"])),
            "inclusionPromise": {"signedEntryTimestamp": logged["SignedEntryTimestamp"]},
            "inclusionProof": _NO_PROOF,
            "canonicalizedBody": payload["body"],
        }
        raw = base64.b64encode(certificate.public_bytes(Encoding.DER)).decode("ascii")
        material = {"certificate": {"rawBytes": raw}, "tlogEntries": [entry]}
        value = {"mediaType": _MEDIA_TYPE, "verificationMaterial": material, **content}
        return _promised_bundle(json.dumps(value))
    except Exception:
        raise InvalidSignature("its certificate or its log entry cannot be read") from None


def _promised_bundle(value: str) -> Bundle:
    """Return a bundle whose log entry has a promise and no proof, which the library would refuse."""
    from cryptography.x509 import load_der_x509_certificate
    from sigstore.models import Bundle, InvalidBundle, TransparencyLogEntry

    class Promised(TransparencyLogEntry):
        def _validate(self) -> None:
            if not (self._inner.inclusion_promise and self._inner.integrated_time):
                raise InvalidBundle("entry must contain a promise and its time")

        def _verify(self, keyring: Any) -> None:
            self._verify_set(keyring)

    class PromisedBundle(Bundle):
        def _verify(self) -> None:
            material = self._inner.verification_material
            assert material.certificate is not None
            self._signing_certificate = load_der_x509_certificate(material.certificate.raw_bytes)
            [entry] = material.tlog_entries
            self._log_entry = Promised(entry)

    return PromisedBundle.from_json(value)
