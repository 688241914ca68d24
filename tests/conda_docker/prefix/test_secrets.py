"""What is left out for the credentials in it."""

from __future__ import annotations

import pytest

from conda_docker.prefix.secrets import (
    begins_as_private_key,
    holds_credentials,
    holds_credentials_by_name,
    may_hold_credentials,
)


@pytest.mark.parametrize(
    "path",
    [
        ".netrc",
        "src/app/.env",
        "opt/.env.production",
        "home/.aws/credentials",
        ".docker/config.json",
        "id_rsa",
        ".ssh/work",
        "home/.ssh/keys/work",
    ],
)
def test_by_name(path: str) -> None:
    assert holds_credentials_by_name(path)


@pytest.mark.parametrize(
    "path", ["share/config.json", "env.py", ".env.example", ".env.local.sample", "lib/credentials"]
)
def test_other_names(path: str) -> None:
    assert not holds_credentials_by_name(path)


@pytest.mark.parametrize(
    ("name", "content", "held"),
    [
        (".condarc", b"channels: [https://me:word@host/c]", True),
        (".condarc", b"channels: [https://host/t/tk-1/c]", True),
        (".condarc", b"channels: [conda-forge]", False),
        (".npmrc", b"//host/:_authToken=abc", True),
        ("server.key", b"-----BEGIN RSA PRIVATE KEY-----", True),
        ("cacert.pem", b"-----BEGIN CERTIFICATE-----", False),
    ],
)
def test_by_content(name: str, content: bytes, held: bool) -> None:
    assert may_hold_credentials(name)
    assert holds_credentials(name, content) is held


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\n", True),
        (b"-----BEGIN PRIVATE KEY-----\n", True),
        (b"\n-----BEGIN ENCRYPTED PRIVATE KEY-----\r\n", True),
        (b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n", True),
        (b"PuTTY-User-Key-File-3: ssh-ed25519\n", True),
        (b"-----BEGIN CERTIFICATE-----\n", False),
        (b"-----BEGIN PUBLIC KEY-----\n", False),
        (b'HEADER = "-----BEGIN PRIVATE KEY-----"\n', False),
    ],
)
def test_private_keys_of_any_name(content: bytes, key: bool) -> None:
    assert begins_as_private_key(content) is key
