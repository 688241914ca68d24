"""Proxies: which one to reach a URL through, as environment variables say and as Go's clients read them.

Docker, skopeo and crane are written in Go, so the rules are those of golang.org/x/net/http/httpproxy: NO_PROXY takes
networks (`10.0.0.0/8`), domains with their subdomains (`corp.example`), subdomains alone (`.corp.example`,
`*.corp.example`), addresses, each with or without a port, and `*`.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Mapping
from urllib.parse import urlsplit

from python_docker.http.url import DEFAULT_PORTS, ip_address, is_loopback


def proxy_for(url: str, environ: Mapping[str, str]) -> str | None:
    """Return the URL of the proxy to reach `url` through, None for none.

    `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say so, in lower case first; where none of them is set, the
    system's settings on macOS and Windows. This machine itself is never reached through a proxy.

    >>> proxy_for("https://example.org/", {"https_proxy": "proxy:3128", "no_proxy": ".example.org"})
    'http://proxy:3128'
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if is_loopback(host):
        return None
    proxies = {scheme: _variable(environ, f"{scheme}_proxy") for scheme in ("http", "https", "all", "no")}
    if environ.get("REQUEST_METHOD"):
        # Under CGI, HTTP_PROXY is a header of the request (CVE-2016-5385).
        proxies["http"] = environ.get("http_proxy", "")
    if environ is os.environ and not any(proxies.values()) and sys.platform in {"darwin", "win32"}:
        from urllib.request import getproxies, proxy_bypass

        bypass = bool(proxy_bypass(host))
        proxies = getproxies()
    else:
        bypass = bypasses(proxies["no"], host, parts.port or DEFAULT_PORTS.get(parts.scheme, 0))
    proxy = None if bypass else proxies.get(parts.scheme) or proxies.get("all")
    if not proxy:
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def bypasses(no_proxy: str, host: str, port: int) -> bool:
    """Return whether a value of `NO_PROXY` says that a host is reached without a proxy.

    >>> bypasses("10.0.0.0/8, *.corp.example", "10.1.2.3", 443), bypasses("example.org:80", "example.org", 443)
    (True, False)
    """
    host = host.lower().rstrip(".")
    address = ip_address(host)
    return any(_matches(entry.strip().lower(), host, address, port) for entry in no_proxy.split(","))


def _matches(entry: str, host: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None, port: int) -> bool:
    if not entry:
        return False
    if entry == "*":
        return True
    if "/" in entry:
        try:
            network = ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
        return address is not None and address in network
    name, wanted = _split_port(entry)
    if wanted and wanted != str(port):
        return False
    if (named := ip_address(name)) is not None:
        return named == address
    name = name.rstrip(".")
    if name.startswith("*."):
        name = name[1:]
    if name.startswith("."):
        return host.endswith(name) and len(name) > 1
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _split_port(entry: str) -> tuple[str, str]:
    """Return the host and the port, empty where there is none, of an entry such as `[::1]:80`."""
    if entry.count(":") > 1 and not entry.startswith("["):
        return entry, ""
    name, colon, port = entry.rpartition(":")
    return (name, port) if colon and not port.endswith("]") else (entry, "")


def _variable(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name) or environ.get(name.upper()) or ""
