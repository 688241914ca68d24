"""URLs: their origin, which hosts mean this machine or an inner network, and what may be shown of them."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import Final
from urllib.parse import SplitResult, urlsplit

from python_docker.http.failure import Cause, HttpError

DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_SHOWN = 300  # characters
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,20}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HOST_AND_PORT = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


def check_url(url: str) -> str:
    """Return an HTTP URL as it can be requested: without its fragment.

    A space in its path is encoded when it is sent. Raises `HttpError` for anything that is not one: no host, another
    scheme, a bad port, spaces in its host, control characters.

    >>> check_url("https://example.org/a#b")
    'https://example.org/a'
    """
    try:
        origin(url)
        wrong = " " in urlsplit(url).netloc or _CONTROL.search(url) is not None
    except ValueError:
        wrong = True
    if wrong:
        raise HttpError(Cause.ADDRESS, public_url(url))
    return url.partition("#")[0]


def origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port of a URL: credentials go to one of these, and to no other (RFC 6454, section 4).

    Raises `ValueError` for anything but an HTTP URL.

    >>> origin("https://Example.org/a?b")
    ('https', 'example.org', 443)
    """
    parts = urlsplit(url)
    return _origin(parts.scheme, parts.netloc)


@lru_cache(maxsize=64)  # it is asked for several times a request
def _origin(scheme: str, place: str) -> tuple[str, str, int]:
    parts = SplitResult(scheme, place, "", "", "")
    if scheme not in DEFAULT_PORTS or not parts.hostname:
        raise ValueError("not an HTTP URL")
    return scheme, parts.hostname.lower(), parts.port or DEFAULT_PORTS[scheme]


def host_of(url: str) -> str:
    """Return the host of a URL, with its port where it names one; a few words where there is none.

    >>> host_of("https://me:pw@Example.org:5000/a")
    'example.org:5000'
    """
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower() or "the server"
    except ValueError:
        return "the server"


def public_url(url: str) -> str:
    """Return a URL without what may be secret in it: user name, password, query, fragment.

    A password with a slash in it ends the host too early for every parser, so everything before the last `@` goes,
    wherever that stands.

    >>> public_url("https://me:pw@cdn.example.org/blob?signature=abc")
    'https://cdn.example.org/blob'
    >>> public_url("me:p/w@example.org")
    'example.org'
    """
    before, mark, rest = url.partition("://")
    scheme = f"{before}://" if mark and _SCHEME.fullmatch(before) else ""
    shown, *query = re.split(r"[?#]", rest if scheme else url, maxsplit=1)
    if query and "@" in query[0] and not _HOST_AND_PORT.fullmatch(shown.partition("/")[0]):
        # A password with a question mark in it: nothing here is sure to be public.
        return f"{scheme}***"
    shown = scheme + shown.rpartition("@")[2]
    return "".join(character if character.isprintable() else "?" for character in shown[:_SHOWN])


def is_loopback(host: str) -> bool:
    """Return whether a host, with or without a port, is this machine by its very name.

    >>> is_loopback("localhost:5000"), is_loopback("127.1.2.3"), is_loopback("[::1]:80"), is_loopback("10.0.0.1")
    (True, True, True, False)
    """
    name = _without_port(host)
    if name == "localhost":
        return True
    address = ip_address(name)
    return address is not None and address.is_loopback


def is_inner_address(host: str) -> bool:
    """Return whether a host is an IP address that only means something inside a network: private, link-local, loopback.

    Names are taken as they are: only literal addresses count, and `localhost`.
    """
    name = _without_port(host)
    address = ip_address(name)
    if address is None:
        return name == "localhost"
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_private or address.is_link_local or address.is_loopback or address.is_unspecified


def ip_address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return a host as the IP address that it is, None for a name."""
    try:
        return ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return None


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    # An IPv6 address without brackets, as `urlsplit` gives it, has more than one colon.
    return (host if host.count(":") > 1 else host.partition(":")[0]).lower()
