"""Proxies: which one to reach a URL through, as the environment variables tell."""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass, proxy_bypass_environment  # type: ignore[attr-defined]

from python_docker.registry.address import is_loopback


def proxy_for(url: str, environ: Mapping[str, str]) -> str | None:
    """The proxy to reach a URL through, as `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` tell; else None.

    This machine itself is never reached through one.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(host):
        return None
    if environ is os.environ:
        # The system's settings too, on Windows and macOS.
        proxies = getproxies()
        bypass = bool(proxy_bypass(parts.netloc.rpartition("@")[2]))
    else:
        proxies = {
            name[:-6].lower(): value for name, value in environ.items() if name.lower().endswith("_proxy") and value
        }
        bypass = bool(proxy_bypass_environment(parts.netloc.rpartition("@")[2], proxies))
    proxy = None if bypass else proxies.get(parts.scheme) or proxies.get("all")
    if not proxy:
        return None
    return proxy if "://" in proxy else f"http://{proxy}"
