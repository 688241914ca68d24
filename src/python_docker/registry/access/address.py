"""RegistryAddress: where a registry's API is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from python_docker.errors import InvalidReference
from python_docker.http.url import public_url
from python_docker.spec.docker_hub import API_HOST, DOCKER_HUB, HOSTS

DOCKER_HUB_URL: Final = f"https://{API_HOST}"
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[A-Fa-f0-9:]+\])\.?(?::[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class RegistryAddress:
    """A registry's host (with its port, if named), and what comes before `/v2/` in its URLs.

    `scheme` is None where nobody said which: `https`, but for this machine itself.

    >>> RegistryAddress.parse("http://localhost:5000")
    RegistryAddress(scheme='http', host='localhost:5000', prefix='')
    >>> RegistryAddress.parse("docker.io").host
    'registry-1.docker.io'
    """

    scheme: str | None
    host: str
    prefix: str = ""

    @classmethod
    def parse(cls, text: str) -> RegistryAddress:
        """Read a URL or a host; a user name and password in it are left out (see `userinfo`).

        Raises `InvalidReference`.
        """
        parts = _split(text)
        if "@" in parts.path:
            # Usually a password with a slash in it; no registry has such a path.
            raise _not_an_address(text)
        host = parts.netloc.rpartition("@")[2].lower()
        if parts.scheme not in {"", "http", "https"} or parts.query or parts.fragment or not _HOST.fullmatch(host):
            raise _not_an_address(text)
        if host in HOSTS:
            host = API_HOST
        prefix = parts.path.rstrip("/")
        return cls(parts.scheme or None, host, prefix.removesuffix("/v2").removesuffix("/v1"))

    @property
    def domain(self) -> str:
        """The name of the registry in references: `docker.io` for Docker Hub."""
        return domain_of(self.host)

    @property
    def is_docker_hub(self) -> bool:
        """Whether this is Docker Hub, which has a few rules of its own."""
        return self.host in HOSTS

    def url(self, scheme: str | None = None) -> str:
        """Return the URL without a slash at its end."""
        return f"{scheme or self.scheme or 'https'}://{self.host}{self.prefix}"


def domain_of(host: str) -> str:
    """Return the name in references of the registry at a host: `docker.io` for all of Docker Hub's."""
    return DOCKER_HUB if host.lower() in HOSTS else host.lower()


def userinfo(text: str) -> tuple[str, str] | None:
    """Return the user name and password in a URL, None without them."""
    before, at, _ = _split(text).netloc.rpartition("@")
    if not at:
        return None
    username, _, password = before.partition(":")
    return unquote(username), unquote(password)


def _split(text: str) -> SplitResult:
    try:
        return urlsplit(text if "://" in text else f"//{text}")
    except ValueError:
        raise _not_an_address(text) from None


def _not_an_address(text: str) -> InvalidReference:
    return InvalidReference(
        f"not the address of a registry: {public_url(text)!r} (expected something like https://registry.example.org)"
    )
