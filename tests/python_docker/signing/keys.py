"""Keys for tests, made anew, and the forms that files of keys have."""

from __future__ import annotations

import base64
import hashlib
import json
import os

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from nacl.secret import SecretBox

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
PASSWORD = b"correct horse"


def ecdsa_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def pem(key: PrivateKey, password: bytes | None = None, form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
    encryption = NoEncryption() if password is None else BestAvailableEncryption(password)
    return key.private_bytes(Encoding.PEM, form, encryption)


def public_pem(key: PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def cosign_pem(key: PrivateKey, password: bytes = PASSWORD, **parameters: int) -> bytes:
    """Return a key as `cosign generate-key-pair` writes it."""
    numbers = {"N": 1024, "r": 8, "p": 1} | parameters
    salt = os.urandom(32)
    derived = hashlib.scrypt(password, salt=salt, n=1024, r=8, p=1, maxmem=1 << 26, dklen=32)
    nonce = os.urandom(SecretBox.NONCE_SIZE)
    content = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    value = {
        "kdf": {"name": "scrypt", "params": numbers, "salt": base64.b64encode(salt).decode()},
        "cipher": {"name": "nacl/secretbox", "nonce": base64.b64encode(nonce).decode()},
        "ciphertext": base64.b64encode(SecretBox(derived).encrypt(content, nonce).ciphertext).decode(),
    }
    body = base64.encodebytes(json.dumps(value).encode())
    return b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n%s-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n" % body
