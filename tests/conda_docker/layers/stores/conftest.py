"""A registry in memory, and a channel of the packages that a module names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conda_docker.channel import SyntheticChannel
from tests.conda_docker.channel_server import ChannelServer


@pytest.fixture
def server(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[ChannelServer]:
    """Return a server of a channel with the `PACKAGES` of the module that asks."""
    channel = SyntheticChannel(tmp_path / "channel")
    channel.add(*request.module.PACKAGES)
    running = ChannelServer(channel.folder).start()
    yield running
    running.stop()
