"""Which files of a prefix, or of a folder of sources, hold credentials, and stay out of images.

By their names, where programs keep nothing else in them; by what is in them, where they are configuration that may hold
credentials; and by how they begin, whatever their names, where they are private keys (RFC 7468, RFC 4880).
"""

from __future__ import annotations

import re

from conda_docker.redaction import public_text

_ALWAYS = frozenset(
    {
        ".dockercfg",
        ".env",
        ".git-credentials",
        ".netrc",
        ".pgpass",
        ".pypirc",
        "_netrc",
        "id_dsa",
        "id_ecdsa",
        "id_ed25519",
        "id_rsa",
    }
)
_ALWAYS_AT = (".aws/credentials", ".docker/config.json", ".config/containers/auth.json")
_CONFIGURATION = frozenset(
    {
        ".condarc",
        ".mambarc",
        ".npmrc",
        ".yarnrc",
        "condarc",
        "mambarc",
        "npmrc",
        "pip.conf",
        "pip.ini",
        "uv.toml",
    }
)
# What shows which variables there are, without their values.
_EXAMPLES = (".example", ".sample", ".template")
_KEY_SUFFIXES = (".pem", ".key")
_PRIVATE_KEY = b"PRIVATE KEY-----"
_KEY_BEGINS = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-)"
)
_SECRET = re.compile(r"(?i)(?:pass(?:word|wd)?|secret|token|api_?key|_auth)[\"']?\s*[:=]\s*[\"']?[^\s\"']")

LARGEST = 1 << 20
"""Bytes of the largest file that is looked into."""
BEGINNING = 128
"""Bytes at the beginning of a file that tell whether it is a private key."""


def holds_credentials_by_name(path: str) -> bool:
    """Return whether a file at this path is left out whatever is in it.

    >>> holds_credentials_by_name("home/.netrc"), holds_credentials_by_name("app/settings.py")
    (True, False)
    """
    *folders, name = path.split("/")
    if name in _ALWAYS or ".ssh" in folders:
        return True
    if name.startswith(".env.") and not name.endswith(_EXAMPLES):
        return True
    return f"/{path}".endswith(tuple(f"/{end}" for end in _ALWAYS_AT))


def begins_as_private_key(content: bytes) -> bool:
    """Return whether a file whose first bytes these are is a private key: of OpenSSH, in PEM, of PGP or of PuTTY.

    >>> begins_as_private_key(b"-----BEGIN OPENSSH PRIVATE KEY-----")
    True
    >>> begins_as_private_key(b"-----BEGIN CERTIFICATE-----")
    False
    """
    return _KEY_BEGINS.match(content) is not None


def may_hold_credentials(name: str) -> bool:
    """Return whether it takes looking into a file of this name to know."""
    return name in _CONFIGURATION or name.endswith(_KEY_SUFFIXES)


def holds_credentials(name: str, content: bytes) -> bool:
    """Return whether a file that may hold credentials does: a URL with a password or a token, a key.

    >>> holds_credentials("pip.conf", b"[global]\\nindex-url = https://me:word@example.org/simple")
    True
    >>> holds_credentials("pip.conf", b"[global]\\ntimeout = 60")
    False
    """
    if name.endswith(_KEY_SUFFIXES):
        return _PRIVATE_KEY in content
    text = content.decode("utf-8", "replace")
    return public_text(text) != text or _SECRET.search(text) is not None
