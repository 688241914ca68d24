"""How to talk HTTP to channels: certificates and proxies."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from conda_docker.channels.configuration import TRUSTSTORE, CondaConfiguration, read_conda_configuration
from conda_docker.channels.proxies import checked_proxies
from python_docker.files.home import expand_home
from python_docker.http.options import HttpOptions


def http_options(
    configuration: CondaConfiguration | None = None, environ: Mapping[str, str] | None = None
) -> HttpOptions:
    """Return how to talk HTTP to channels: as conda's configuration says, else the environment.

    `ssl_verify` comes before REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE, and these before SSL_CERT_FILE and the system's
    certificates; `proxy_servers` before `http_proxy` and `https_proxy`.
    """
    environ = os.environ if environ is None else environ
    if configuration is None:
        configuration = read_conda_configuration(environ)
    verify = configuration.ssl_verify
    bundle: str | Path | None = environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE") or None
    if isinstance(verify, str) and verify != TRUSTSTORE:
        bundle = expand_home(verify, environ)
    proxies = {f"{scheme}_proxy": url for scheme, url in checked_proxies(configuration).items()}
    if proxies:
        environ = {name: value for name, value in environ.items() if name.lower() not in proxies} | proxies
    return HttpOptions(ca_bundle=bundle, insecure=verify is False, environ=environ)
