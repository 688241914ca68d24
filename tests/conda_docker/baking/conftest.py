"""A user's home, and a channel with environments that share packages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conda_docker.baking.environments import make_channel
from tests.conda_docker.channel import SyntheticChannel
from tests.conda_docker.channel_server import ChannelServer

PACKAGES = 30


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty home, with caches of its own."""
    for name in ("CONDA_DOCKER_CACHE_FROM", "CONDA_DOCKER_CACHE_TO", "CONDARC", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("CONDA_DOCKER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("RATTLER_CACHE_DIR", str(tmp_path / "rattler"))
    return folder


@pytest.fixture(scope="session")
def tools_channel(tmp_path_factory: pytest.TempPathFactory) -> SyntheticChannel:
    """Return a channel of `PACKAGES` packages."""
    return make_channel(tmp_path_factory.mktemp("tools"), PACKAGES)


@pytest.fixture
def server(tools_channel: SyntheticChannel) -> Iterator[ChannelServer]:
    """Return a server of that channel, which notes the requests that come in."""
    running = ChannelServer(tools_channel.folder).start()
    yield running
    running.stop()
