"""Who should have signed an image: a key, or an identity, in each form that signatures have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from python_docker.signing.bundle import Statement, verify_bundle, verify_envelope
from python_docker.signing.keys import VerifyingKey
from python_docker.signing.simple_signing import SIGNATURE_ANNOTATION, verify_payload

if TYPE_CHECKING:
    from sigstore.models import TrustedRoot

    from python_docker.spec.digest import Digest


class Expected(Protocol):
    """Checks who signed something. All of it raises `InvalidSignature` when that is somebody else."""

    @property
    def name(self) -> str:
        """What messages call it."""

    def statement(self, bundle: bytes) -> Statement:
        """Return the statement in a bundle."""

    def attestation(self, envelope: bytes, annotations: Mapping[str, str]) -> Statement:
        """Return the statement in an envelope under cosign's older tag; `annotations` are those of its layer."""

    def payload(self, content: bytes, annotations: Mapping[str, str]) -> Digest:
        """Return the digest of the image that a payload under cosign's older tag signs."""


@dataclass(frozen=True, slots=True)
class ByKey:
    """A signature by a key. What a transparency log may say of it is not looked at: the key alone counts."""

    key: VerifyingKey
    name: str = "the key"

    def statement(self, bundle: bytes) -> Statement:
        """Return the statement in a bundle."""
        return verify_bundle(bundle, self.key)

    def attestation(self, envelope: bytes, annotations: Mapping[str, str]) -> Statement:
        """Return the statement in an envelope."""
        return verify_envelope(envelope, self.key)

    def payload(self, content: bytes, annotations: Mapping[str, str]) -> Digest:
        """Return the digest of the image that a payload signs."""
        return verify_payload(content, annotations.get(SIGNATURE_ANNOTATION, ""), self.key)


@dataclass(frozen=True, slots=True)
class ByIdentity:
    """A signature by an identity, such as a mail address or a workflow's URL, that `issuer` vouches for."""

    identity: str
    issuer: str
    root: TrustedRoot = field(repr=False)

    @property
    def name(self) -> str:
        """The identity."""
        return self.identity

    def statement(self, bundle: bytes) -> Statement:
        """Return the statement in a bundle."""
        from python_docker.signing.keyless import verify_bundle_of

        return verify_bundle_of(bundle, self.identity, self.issuer, self.root)

    def attestation(self, envelope: bytes, annotations: Mapping[str, str]) -> Statement:
        """Return the statement in an envelope."""
        from python_docker.signing.certified import verify_envelope_of

        return verify_envelope_of(envelope, annotations, self.identity, self.issuer, self.root)

    def payload(self, content: bytes, annotations: Mapping[str, str]) -> Digest:
        """Return the digest of the image that a payload signs."""
        from python_docker.signing.certified import verify_payload_of

        return verify_payload_of(content, annotations, self.identity, self.issuer, self.root)
