"""Keys are read in all forms that they have, and nothing of them gets out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import PrivateFormat

from python_docker.errors import InvalidKey
from python_docker.signing.keys import read_signing_key, read_verifying_key
from tests.python_docker.signing.keys import PASSWORD, PrivateKey, cosign_pem, ecdsa_key, pem, public_pem

FORMS: dict[str, Callable[[PrivateKey], bytes]] = {
    "PKCS8": pem,
    "encrypted PKCS8": lambda key: pem(key, PASSWORD),
    "cosign": cosign_pem,
    "cosign's old name": lambda key: cosign_pem(key).replace(b"SIGSTORE", b"COSIGN"),
}
KINDS: dict[str, Callable[[], PrivateKey]] = {"ECDSA": ecdsa_key, "Ed25519": ed25519.Ed25519PrivateKey.generate}

# Published by cosign, pkg/cosign/keys_test.go; its password is "hello".
PUBLISHED = b"""-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----
eyJrZGYiOnsibmFtZSI6InNjcnlwdCIsInBhcmFtcyI6eyJOIjozMjc2OCwiciI6
OCwicCI6MX0sInNhbHQiOiI3T3VGd2VsbWZZNXVId2NoaURSc210anNwZ2ZlZjFG
Mk5lOGFDTjVLYVpZPSJ9LCJjaXBoZXIiOnsibmFtZSI6Im5hY2wvc2VjcmV0Ym94
Iiwibm9uY2UiOiJQNHk4OGhCb3ZTa09MbXN0bFVBaGJwdDJ0K2xTNUxQSCJ9LCJj
aXBoZXJ0ZXh0IjoiMnB1QzdyZldJOWh3bnJlQ2s4aUZDRlVwQlRrSzRJNlIvbFBF
cnBDekpXUGpJWXl4eGVIL1A2VW52cFJHdVhla1NNb3JMdGhLamdoQ1JlNy82NDVH
QWtoVm1LRC92eEF0S2EvbE1abENSQ3FlekJGUFd1dzNpeFRtZ2xhb2J1ZFVSbUVs
bmNGOGlZbzBTMVl6Y1ZOMVFwY2J2c0dNcUlYRzVlbmdteGp5dCtBcXlyZTF0Q0Y0
V01tU1BlaEljNlBqd2h1Q2xHaVpJUWRvTGc9PSJ9
-----END ENCRYPTED SIGSTORE PRIVATE KEY-----
"""


def password() -> bytes:
    return PASSWORD


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", FORMS)
def test_every_form_signs(form: str, kind: str) -> None:
    key = KINDS[kind]()
    signing = read_signing_key(FORMS[form](key), password)
    verifying = read_verifying_key(public_pem(key))
    signature = signing.sign(b"content")
    assert verifying.verifies(signature, b"content")
    assert not verifying.verifies(signature, b"other")
    assert not verifying.verifies(signature[:-1], b"content")
    assert signing.sign(b"content") == signature
    assert (signing.public.hint, signing.public.pem) == (verifying.hint, public_pem(key))


def test_a_key_in_the_older_form_of_openssl() -> None:
    key = ecdsa_key()
    signature = read_signing_key(pem(key, form=PrivateFormat.TraditionalOpenSSL), password).sign(b"1")
    assert read_verifying_key(public_pem(key)).verifies(signature, b"1")


def test_a_key_that_cosign_published() -> None:
    key = read_signing_key(PUBLISHED, lambda: b"hello")
    assert key.public.verifies(key.sign(b"1"), b"1")
    with pytest.raises(InvalidKey, match="password is wrong"):
        read_signing_key(PUBLISHED, lambda: b"hallo")


@pytest.mark.parametrize("form", ["encrypted PKCS8", "cosign"])
def test_a_wrong_password(form: str) -> None:
    content = FORMS[form](ecdsa_key())
    with pytest.raises(InvalidKey, match="password is wrong") as caught:
        read_signing_key(content, lambda: b"battery staple", "my.key")
    assert "battery" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "content",
    [b"", b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n", b"secret", public_pem(ecdsa_key())],
)
def test_what_is_not_a_key_is_not_repeated(content: bytes) -> None:
    with pytest.raises(InvalidKey, match=r"my\.key is (not a private|a public) key") as caught:
        read_signing_key(content, password, "my.key")
    assert "c2VjcmV0" not in str(caught.value)


@pytest.mark.parametrize("key", [ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)])
def test_other_kinds_are_refused(key: PrivateKey) -> None:
    with pytest.raises(InvalidKey, match="use ECDSA on P-256, or Ed25519"):
        read_signing_key(pem(key), password)
    with pytest.raises(InvalidKey, match="use ECDSA on P-256, or Ed25519"):
        read_verifying_key(public_pem(key))


def test_a_private_key_in_place_of_a_public_one() -> None:
    with pytest.raises(InvalidKey, match="is a private key"):
        read_verifying_key(pem(ecdsa_key()))


def test_a_key_that_asks_for_endless_work() -> None:
    with pytest.raises(InvalidKey, match="asks for more work"):
        read_signing_key(cosign_pem(ecdsa_key(), N=1 << 30), password)


def test_nothing_of_a_key_is_shown() -> None:
    key = read_signing_key(pem(ecdsa_key()), password)
    assert repr(key) == "SigningKey()"
