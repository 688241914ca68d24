"""cosign's older signatures by an identity, whose certificate and log entry are in annotations."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from cryptography.x509 import load_pem_x509_certificates
from sigstore.models import TrustedRoot

from python_docker.errors import InvalidSignature, SigningFailed
from python_docker.signing.certified import CERTIFICATE, CHAIN, ENTRY, verify_envelope_of, verify_payload_of
from python_docker.signing.keyless import IdentitySigner, read_trust_config, trusted_root
from python_docker.signing.simple_signing import SIGNATURE_ANNOTATION, sign_digest
from python_docker.signing.statement import statement
from python_docker.spec.digest import Digest
from tests.python_docker.signing.private_sigstore import ISSUER, PrivateSigstore

IDENTITY = "https://ci.example.org/team/app/.workflows/image.yml"
DIGEST = Digest.of(b"an image")


@pytest.fixture(scope="module")
def private() -> Iterator[PrivateSigstore]:
    started = PrivateSigstore()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def config(private: PrivateSigstore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trust") / "sigstore.json"
    path.write_text(json.dumps(private.trust_config()))
    return path


@pytest.fixture(scope="module")
def root(config: Path) -> TrustedRoot:
    return trusted_root(config)


@pytest.fixture(scope="module")
def signed(private: PrivateSigstore, config: Path) -> tuple[bytes, Mapping[str, str]]:
    """Return a payload, and the annotations with the signature on it."""
    signer = IdentitySigner(read_trust_config(config), lambda: private.token(IDENTITY))
    blob = sign_digest(DIGEST, "ghcr.io/org/app", signer.sign_payload)
    assert blob.descriptor.annotations is not None
    return blob.read(), blob.descriptor.annotations


def test_one_certificate_serves_for_many(private: PrivateSigstore, config: Path) -> None:
    before = private.certified
    signer = IdentitySigner(read_trust_config(config), lambda: private.token(IDENTITY))
    annotations = [signer.sign_payload(name) for name in (b"1", b"2", b"3")]
    assert len({one[CERTIFICATE] for one in annotations}) == 1
    assert private.certified == before + 1


def test_what_cosign_reads(signed: tuple[bytes, Mapping[str, str]]) -> None:
    """The annotations that pkg/oci/static/signature.go names, and the fields of pkg/cosign/bundle/rekor.go."""
    _, annotations = signed
    assert annotations.keys() == {SIGNATURE_ANNOTATION, CERTIFICATE, CHAIN, ENTRY}
    [leaf] = load_pem_x509_certificates(annotations[CERTIFICATE].encode())
    [issuer] = load_pem_x509_certificates(annotations[CHAIN].encode())
    leaf.verify_directly_issued_by(issuer)
    entry = json.loads(annotations[ENTRY])
    assert entry.keys() == {"SignedEntryTimestamp", "Payload"}
    assert entry["Payload"].keys() == {"body", "integratedTime", "logIndex", "logID"}
    assert json.loads(base64.b64decode(entry["Payload"]["body"]))["kind"] == "hashedrekord"


def test_signed_and_verified(signed: tuple[bytes, Mapping[str, str]], root: TrustedRoot) -> None:
    content, annotations = signed
    assert verify_payload_of(content, annotations, IDENTITY, ISSUER, root) == DIGEST


@pytest.mark.parametrize(
    ("identity", "issuer", "message"),
    [(f"{IDENTITY}s", ISSUER, "SANs do not match"), (IDENTITY, "https://example.com", "does not match")],
)
def test_by_somebody_else(
    identity: str, issuer: str, message: str, signed: tuple[bytes, Mapping[str, str]], root: TrustedRoot
) -> None:
    with pytest.raises(InvalidSignature, match=f"it is not by {identity}: .*{message}"):
        verify_payload_of(*signed, identity, issuer, root)


def test_another_sigstore_is_not_trusted(signed: tuple[bytes, Mapping[str, str]], tmp_path: Path) -> None:
    other = PrivateSigstore()
    (tmp_path / "root.json").write_text(json.dumps(other.trusted_root()))
    other.stop()
    with pytest.raises(InvalidSignature, match="certificate chain"):
        verify_payload_of(*signed, IDENTITY, ISSUER, trusted_root(tmp_path / "root.json"))


def test_another_payload(signed: tuple[bytes, Mapping[str, str]], root: TrustedRoot) -> None:
    content, annotations = signed
    with pytest.raises(InvalidSignature, match="Signature is invalid"):
        verify_payload_of(content.replace(b"ghcr", b"ghcx"), annotations, IDENTITY, ISSUER, root)


def _changed(change: Callable[[dict[str, object]], object]) -> Callable[[Mapping[str, str]], dict[str, str]]:
    def changed(annotations: Mapping[str, str]) -> dict[str, str]:
        entry = json.loads(annotations[ENTRY])
        change(entry)
        return {**annotations, ENTRY: json.dumps(entry)}

    return changed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda all_: {**all_, CERTIFICATE: ""}, "a key signed it, and not an identity"),
        (lambda all_: {**all_, CERTIFICATE: "junk"}, "cannot be read"),
        (lambda all_: {name: text for name, text in all_.items() if name != ENTRY}, "no transparency log"),
        (lambda all_: {**all_, ENTRY: "{}"}, "cannot be read"),
        (lambda all_: {**all_, ENTRY: "[]"}, "cannot be read"),
        (lambda all_: {**all_, SIGNATURE_ANNOTATION: "?"}, "Signature is invalid"),
        (_changed(lambda entry: entry["Payload"].update(integratedTime=1)), "certificate"),  # type: ignore[attr-defined]
        (_changed(lambda entry: entry["Payload"].update(logIndex=77)), "inclusion promise"),  # type: ignore[attr-defined]
        (_changed(lambda entry: entry["Payload"].update(logID="00" * 32)), "inclusion promise"),  # type: ignore[attr-defined]
        (_changed(lambda entry: entry.update(SignedEntryTimestamp="AAAA")), "inclusion promise"),
        (_changed(lambda entry: entry.update(SignedEntryTimestamp="")), "inclusion promise"),
        (_changed(lambda entry: entry["Payload"].update(body="e30=")), "cannot be read"),  # type: ignore[attr-defined]
    ],
)
def test_what_was_changed(
    change: Callable[[Mapping[str, str]], dict[str, str]],
    message: str,
    signed: tuple[bytes, Mapping[str, str]],
    root: TrustedRoot,
) -> None:
    content, annotations = signed
    with pytest.raises(InvalidSignature, match=message):
        verify_payload_of(content, change(annotations), IDENTITY, ISSUER, root)


def test_the_log_entry_of_another_signature(
    signed: tuple[bytes, Mapping[str, str]], root: TrustedRoot, private: PrivateSigstore, config: Path
) -> None:
    """An old signature of the same identity lends its entry to one that was never logged."""
    signer = IdentitySigner(read_trust_config(config), lambda: private.token(IDENTITY))
    other = sign_digest(Digest.of(b"other"), "ghcr.io/org/app", signer.sign_payload).descriptor.annotations or {}
    content, annotations = signed
    with pytest.raises(InvalidSignature, match="inconsistent with other materials"):
        verify_payload_of(content, {**annotations, ENTRY: other[ENTRY]}, IDENTITY, ISSUER, root)


def test_attestations(private: PrivateSigstore, config: Path, root: TrustedRoot) -> None:
    """As `cosign attest` of cosign 2 leaves them: the envelope alone, certificate and entry in annotations."""
    signer = IdentitySigner(read_trust_config(config), lambda: private.token(IDENTITY))
    bundle = json.loads(signer(statement(DIGEST, "https://example.com/scan", {})))
    material = bundle["verificationMaterial"]
    [entry] = material["tlogEntries"]
    logged = {
        "SignedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
        "Payload": {
            "body": entry["canonicalizedBody"],
            "integratedTime": int(entry["integratedTime"]),
            "logIndex": int(entry.get("logIndex", 0)),
            "logID": base64.b64decode(entry["logId"]["keyId"]).hex(),
        },
    }
    lines = material["certificate"]["rawBytes"]
    certificate = f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"
    annotations = {CERTIFICATE: certificate, ENTRY: json.dumps(logged)}
    envelope = json.dumps(bundle["dsseEnvelope"]).encode()
    found = verify_envelope_of(envelope, annotations, IDENTITY, ISSUER, root)
    assert (found.predicate_type, found.digests) == ("https://example.com/scan", frozenset({DIGEST}))
    with pytest.raises(InvalidSignature, match="it is not by somebody"):
        verify_envelope_of(envelope, annotations, "somebody", ISSUER, root)
    with pytest.raises(InvalidSignature, match="not a signed envelope"):
        verify_envelope_of(b"{", annotations, IDENTITY, ISSUER, root)


def test_a_log_that_gives_no_promises(private: PrivateSigstore, tmp_path: Path) -> None:
    config = private.trust_config()
    [log] = config["signingConfig"]["rekorTlogUrls"]
    config["signingConfig"]["rekorTlogUrls"] = [log | {"majorApiVersion": 2}]
    (tmp_path / "sigstore.json").write_text(json.dumps(config))
    signer = IdentitySigner(read_trust_config(tmp_path / "sigstore.json"), lambda: private.token(IDENTITY))
    with pytest.raises(SigningFailed, match="Sigstore did not sign"):
        signer.sign_payload(b"payload")
