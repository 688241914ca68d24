"""A channel of two packages behind a server that can fail, and an empty cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.environment.locked import LockedPackage
from tests.conda_docker.channel import SyntheticChannel
from tests.conda_docker.package.faulty_server import FaultyServer
from tests.conda_docker.package.fetch.fetching import LARGE, SMALL, Serve


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Return our own cache's folder, which is not there yet."""
    return tmp_path / "cache"


@pytest.fixture
def server(synthetic_channel: SyntheticChannel, serve: Serve) -> FaultyServer:
    """Return a server of a channel with both packages."""
    synthetic_channel.add(SMALL, LARGE)
    return serve(synthetic_channel.folder)


@pytest.fixture
def large(synthetic_channel: SyntheticChannel, server: FaultyServer) -> LockedPackage:
    return synthetic_channel.locked(LARGE, url=server.url)


@pytest.fixture
def small(synthetic_channel: SyntheticChannel, server: FaultyServer) -> LockedPackage:
    return synthetic_channel.locked(SMALL, url=server.url)
