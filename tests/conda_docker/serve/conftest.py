"""Servers of small channels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from conda_docker.cache.folder import CacheFolder
from conda_docker.serve.configuration import ServerConfiguration
from conda_docker.serve.http.app import create_app
from python_docker.spec.platform import Platform
from tests.conda_docker.channel import File, SyntheticChannel, SyntheticPackage
from tests.conda_docker.settings import home

__all__ = ["home"]

Start = Callable[..., TestClient]

AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")


@pytest.fixture
def channel(synthetic_channel: SyntheticChannel) -> SyntheticChannel:
    """Return a channel of two packages for linux-64 and one for every platform."""
    synthetic_channel.add(
        SyntheticPackage(name="tool", version="3.12.1", depends=["library"], files={"bin/tool": File(b"tool" * 1000)}),
        SyntheticPackage(name="library", files={"lib/library.so": b"library" * 1000}),
        SyntheticPackage(
            name="text", subdir="noarch", noarch="generic", timestamp=1_600_000_000_000, files={"share/text": "text"}
        ),
    )
    return synthetic_channel


@pytest.fixture
def cache(tmp_path: Path) -> CacheFolder:
    """Return a cache that servers of a test share."""
    return CacheFolder(tmp_path / "cache")


@pytest.fixture
def configuration(channel: SyntheticChannel) -> ServerConfiguration:
    """Return the configuration of a server for linux/amd64, from scratch."""
    return ServerConfiguration(base="scratch", channels=(channel.url,), platforms=(AMD64,))


@pytest.fixture
def start(cache: CacheFolder, configuration: ServerConfiguration) -> Iterator[Start]:
    """Return a function that starts a server; what it is given replaces fields of the configuration."""
    running = []

    def begin(cache: CacheFolder = cache, **changes: Any) -> TestClient:
        client = TestClient(
            create_app(replace(configuration, **changes), cache), raise_server_exceptions=False, follow_redirects=False
        )
        client.__enter__()
        running.append(client)
        return client

    yield begin
    for client in running:
        client.__exit__(None, None, None)
