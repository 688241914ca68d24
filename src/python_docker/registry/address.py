"""Addresses: where a registry's API is, and which addresses may be given credentials, or be gone to at all."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from python_docker.errors import InvalidReference
from python_docker.spec.reference import DOCKER_HUB

DOCKER_HUB_URL: Final = "https://registry-1.docker.io"
_DOCKER_HUB_API = "registry-1.docker.io"
_DOCKER_HUB_HOSTS = {"docker.io", "index.docker.io", "registry-1.docker.io"}
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[A-Fa-f0-9:]+\])\.?(?::[0-9]{1,5})?")
_DEFAULT_PORTS = {"http": 80, "https": 443}


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
        host = parts.netloc.rpartition("@")[2].lower()
        if parts.scheme not in {"", "http", "https"} or parts.query or parts.fragment or not _HOST.fullmatch(host):
            shown = parts._replace(netloc=host, query="", fragment="").geturl().removeprefix("//")
            raise InvalidReference(
                f"not a registry's address: {shown[:200]!r} (it looks like https://registry.example.org)"
            )
        if host in _DOCKER_HUB_HOSTS:
            host = _DOCKER_HUB_API
        prefix = parts.path.rstrip("/")
        return cls(parts.scheme or None, host, prefix.removesuffix("/v2").removesuffix("/v1"))

    @property
    def domain(self) -> str:
        """The name of the registry in references: `docker.io` for Docker Hub."""
        return domain_of(self.host)

    @property
    def is_docker_hub(self) -> bool:
        """Whether this is Docker Hub, which has a few rules of its own."""
        return self.host in _DOCKER_HUB_HOSTS

    def url(self, scheme: str | None = None) -> str:
        """The URL without a slash at its end."""
        return f"{scheme or self.scheme or 'https'}://{self.host}{self.prefix}"


def domain_of(host: str) -> str:
    """The name in references of the registry at a host: `docker.io` for all of Docker Hub's."""
    return DOCKER_HUB if host.lower() in _DOCKER_HUB_HOSTS else host.lower()


def userinfo(text: str) -> tuple[str, str] | None:
    """User name and password in a URL, None when it has none."""
    before, at, _ = _split(text).netloc.rpartition("@")
    if not at:
        return None
    username, _, password = before.partition(":")
    return unquote(username), unquote(password)


def _split(text: str) -> SplitResult:
    try:
        return urlsplit(text if "://" in text else f"//{text}")
    except ValueError:
        raise InvalidReference("not a registry's address (it looks like https://registry.example.org)") from None


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a URL: credentials go to one of these, and to no other (RFC 6454, section 4).

    Raises `ValueError` for what is no such URL.

    >>> origin("https://Example.org/a?b")
    ('https', 'example.org', 443)
    """
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError("not an HTTP address")
    return parts.scheme, parts.hostname.lower(), parts.port or _DEFAULT_PORTS[parts.scheme]


def public_url(url: str) -> str:
    """A URL without what may be secret in it: user name, password, query.

    >>> public_url("https://me:pw@cdn.example.org/blob?signature=abc")
    'https://cdn.example.org/blob'
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that is none"
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()[:300]


def is_loopback(host: str) -> bool:
    """Whether a host, with a port or without, is this machine by its very name.

    >>> is_loopback("localhost:5000"), is_loopback("127.1.2.3"), is_loopback("[::1]:80"), is_loopback("10.0.0.1")
    (True, True, True, False)
    """
    name = _without_port(host)
    if name == "localhost":
        return True
    address = _ip_address(name)
    return address is not None and address.is_loopback


def is_inner_address(host: str) -> bool:
    """Whether a host is an IP address that only means something inside of a network: private, link-local, loopback.

    Names are taken as they are: only literal addresses count, `localhost` among them.
    """
    name = _without_port(host)
    address = _ip_address(name)
    if address is None:
        return name == "localhost"
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_private or address.is_link_local or address.is_loopback or address.is_unspecified


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    # An IPv6 address without brackets, as `urlsplit` gives it, has more than one colon.
    return (host if host.count(":") > 1 else host.partition(":")[0]).lower()


def _ip_address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None
