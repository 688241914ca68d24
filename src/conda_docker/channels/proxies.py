"""The proxies that conda's configuration names for channels."""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

from conda_docker.channels.configuration import CondaConfiguration
from conda_docker.errors import InvalidEnvironment
from conda_docker.redaction import public_url

_SCHEMES = ("http", "https")
_log = logging.getLogger("conda_docker")


def checked_proxies(configuration: CondaConfiguration) -> dict[str, str]:
    """Return "http" or "https" -> URL of the proxy, with credentials.

    conda knows proxies for single hosts too (`http://HOST`), which rattler does not: those are passed over, with a
    warning. Raises `InvalidEnvironment` for what is not the URL of a proxy.
    """
    for key, url in configuration.proxy_servers.items():
        if key not in _SCHEMES:
            _log.warning(
                "the proxy for %s in proxy_servers of the conda configuration is passed over: a proxy is for http or "
                "https, and NO_PROXY names hosts that are reached without it",
                public_url(key)[:200],
            )
        elif not _is_proxy(url):
            raise InvalidEnvironment(
                f"proxy_servers of the conda configuration names no proxy for {key}: {public_url(url)[:200]!r}; it "
                "should be a URL such as http://proxy.example.org:3128"
            )
    return {scheme: url for scheme, url in configuration.proxy_servers.items() if scheme in _SCHEMES}


def _is_proxy(url: str) -> bool:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
