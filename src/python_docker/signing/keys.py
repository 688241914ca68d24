"""Keys: ECDSA on P-256, and Ed25519, from PEM files, those that cosign encrypts included.

Nothing of a private key or its password appears in errors: what the libraries say of them is not passed on.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_docker.errors import InvalidKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

MAX_KEY_FILE = 64 << 10
"""How many bytes a file with a key may have."""
Password = Callable[[], bytes]
"""Gives the password of a key, when one is needed."""

# securesystemslib/go-securesystemslib, encrypted: what cosign wraps its keys in.
_COSIGN_BEGINS = (b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----", b"-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----")
_MAX_SCRYPT_MEMORY = 256 << 20  # bytes; cosign's own parameters take 64 MiB


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A public key that signatures are checked with."""

    _key: EllipticCurvePublicKey | Ed25519PublicKey = field(repr=False)

    @property
    def hint(self) -> str:
        """What names the key in a Sigstore bundle: the SHA-256 of its DER form, in base64, as cosign has it."""
        return base64.b64encode(hashlib.sha256(self._der).digest()).decode("ascii")

    @property
    def pem(self) -> bytes:
        """The key as a PEM file."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return self._key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @property
    def _der(self) -> bytes:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return self._key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def verifies(self, signature: bytes, content: bytes) -> bool:
        """Return whether `signature` is this key's on `content`."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.hashes import SHA256

        try:
            if isinstance(self._key, Ed25519PublicKey):
                self._key.verify(signature, content)
            else:
                self._key.verify(signature, content, ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key that images are signed with."""

    _key: EllipticCurvePrivateKey | Ed25519PrivateKey = field(repr=False)

    @property
    def public(self) -> VerifyingKey:
        """The key that its signatures are checked with."""
        return VerifyingKey(self._key.public_key())

    def sign(self, content: bytes) -> bytes:
        """Return the signature on `content`, which is the same whenever it is made (with OpenSSL 3.2 or later)."""
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.hashes import SHA256

        if isinstance(self._key, Ed25519PrivateKey):
            return self._key.sign(content)
        try:
            algorithm = ECDSA(SHA256(), deterministic_signing=True)
        except UnsupportedAlgorithm:
            algorithm = ECDSA(SHA256())
        return self._key.sign(content, algorithm)


def read_signing_key(content: bytes, password: Password, what: str = "the key") -> SigningKey:
    """Return the private key in a PEM file; `what` names it in errors.

    `password` is asked when the key is encrypted, in PEM's way (PKCS #8) or in cosign's. Raises `InvalidKey` for what
    is not such a key, for a wrong password, and where PyNaCl is needed and not installed.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

    if b"PUBLIC KEY-----" in content and b"PRIVATE KEY-----" not in content:
        raise InvalidKey(f"{what} is a public key; images are signed with the private one")
    encrypted = b"ENCRYPTED" in content
    secret: bytes | None = None
    try:
        if content.lstrip().startswith(_COSIGN_BEGINS):
            key = load_der_private_key(_opened(content, password(), what), None)
        else:
            secret = password() if encrypted else None
            key = load_pem_private_key(content, secret)
    except InvalidKey:
        raise
    except (ValueError, TypeError, UnsupportedAlgorithm):
        hint = "or the password is wrong" if encrypted else "expected an unencrypted or encrypted PEM file"
        raise InvalidKey(f"{what} is not a private key that can be read ({hint})") from None
    if isinstance(key, Ed25519PrivateKey) or (
        isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1)
    ):
        return SigningKey(key)
    raise InvalidKey(f"{what} is of a kind that cannot be used; use ECDSA on P-256, or Ed25519")


def read_verifying_key(content: bytes, what: str = "the key") -> VerifyingKey:
    """Return the public key in a PEM file; `what` names it in errors. Raises `InvalidKey`."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    if b"PRIVATE KEY" in content:
        raise InvalidKey(f"{what} is a private key; signatures are verified with the public one")
    try:
        key = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidKey(f"{what} is not a public key in a PEM file") from None
    if isinstance(key, Ed25519PublicKey) or (
        isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
    ):
        return VerifyingKey(key)
    raise InvalidKey(f"{what} is of a kind that cannot be used; use ECDSA on P-256, or Ed25519")


def _opened(content: bytes, password: bytes, what: str) -> bytes:
    """Return the PKCS #8 key in one of cosign's files: scrypt makes a key of the password, a secretbox holds the key.

    Raises `InvalidKey` for another form, and for a wrong password.
    """
    try:
        from nacl.exceptions import CryptoError
        from nacl.secret import SecretBox
    except ImportError:
        raise InvalidKey(
            f"{what} is encrypted as cosign does it, which needs PyNaCl: `pip install 'conda-docker[sign]'`"
        ) from None
    try:
        body = b"".join(line for line in content.split(b"\n") if b"-----" not in line)
        value = json.loads(base64.b64decode(body, validate=False))
        kdf, cipher = value["kdf"], value["cipher"]
        if (kdf["name"], cipher["name"]) != ("scrypt", "nacl/secretbox"):
            raise ValueError("another form")
        n, r, p = (int(kdf["params"][name]) for name in ("N", "r", "p"))
        salt, nonce, box = (base64.b64decode(text) for text in (kdf["salt"], cipher["nonce"], value["ciphertext"]))
        if n * r * 128 > _MAX_SCRYPT_MEMORY or not 1 <= p <= 16:
            raise InvalidKey(f"{what} asks for more work than a key should: scrypt with N={n}, r={r}, p={p}")
        derived = hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=2 * _MAX_SCRYPT_MEMORY, dklen=32)
        return SecretBox(derived).decrypt(box, nonce)
    except InvalidKey:
        raise
    except (ValueError, KeyError, TypeError, CryptoError):
        raise InvalidKey(f"{what} is not one of cosign's keys, or the password is wrong") from None
