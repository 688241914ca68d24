"""Fixtures for tests of talking to registries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from python_docker.registry.access.options import RegistryOptions
from tests.python_docker.registry.token_server import TokenServer

_VARIABLES = (
    *("DOCKER_CONFIG", "DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"),
    *(f"CONDA_DOCKER_REGISTRY_{name}" for name in ("URL", "USERNAME", "PASSWORD")),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"),
)


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide the credentials, proxies and certificates that this machine has."""
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def options() -> RegistryOptions:
    """Return options that do not wait."""
    return RegistryOptions(backoff=0.001, max_backoff=0.01, connect_timeout=60, read_timeout=60)


@pytest.fixture
def started() -> Iterator[Callable[[Any], Any]]:
    """Return a function that takes a server, gives it back, and has it stopped after the test."""
    servers: list[Any] = []

    def keep(server: Any) -> Any:
        servers.append(server)
        return server

    yield keep
    for server in servers:
        server.stop()


@pytest.fixture
def token_server(tmp_path: Path) -> Iterator[TokenServer]:
    """Return a token server that knows the user alice, whose password is `wonder:land`."""
    server = TokenServer(tmp_path / "token-server", {"alice": "wonder:land"})
    yield server
    server.stop()
