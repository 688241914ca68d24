"""Signers: what signs statements about images, and payloads in cosign's older form."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from python_docker.signing.bundle import sign_statement
from python_docker.signing.keys import SigningKey
from python_docker.signing.simple_signing import SIGNATURE_ANNOTATION


class ImageSigner(Protocol):
    """A key, or an identity (`IdentitySigner`). Raises `SigningFailed`."""

    def __call__(self, statement: bytes, /) -> bytes:
        """Return a bundle with a statement, signed."""

    def sign_payload(self, payload: bytes) -> Mapping[str, str]:
        """Return the annotations with the signature on a payload."""


@dataclass(frozen=True, slots=True)
class KeySigner:
    """Signs with a key."""

    _key: SigningKey = field(repr=False)

    def __call__(self, statement: bytes) -> bytes:
        """Return a bundle with a statement, signed."""
        return sign_statement(statement, self._key)

    def sign_payload(self, payload: bytes) -> Mapping[str, str]:
        """Return the annotation with the signature on a payload."""
        return {SIGNATURE_ANNOTATION: base64.b64encode(self._key.sign(payload)).decode("ascii")}
