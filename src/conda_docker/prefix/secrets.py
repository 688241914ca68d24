"""Which files of a prefix, or of a folder of sources, hold credentials, and stay out of images.

By their names, where programs keep nothing else in them; by what is in them, where they are configuration that may hold
credentials.
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
_KEY_SUFFIXES = (".pem", ".key")
_PRIVATE_KEY = b"PRIVATE KEY-----"
_SECRET = re.compile(r"(?i)(?:pass(?:word|wd)?|secret|token|api_?key|_auth)[\"']?\s*[:=]\s*[\"']?[^\s\"']")

LARGEST = 1 << 20
"""Bytes of the largest file that is looked into."""


def holds_credentials_by_name(path: str) -> bool:
    """Return whether a file at this path is left out whatever is in it.

    >>> holds_credentials_by_name("home/.netrc"), holds_credentials_by_name("app/settings.py")
    (True, False)
    """
    return path.rpartition("/")[2] in _ALWAYS or f"/{path}".endswith(tuple(f"/{end}" for end in _ALWAYS_AT))


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
