"""Fixtures of conda packages and channels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conda_docker.channel import SyntheticChannel
from tests.conda_docker.oracle import Rattler


@pytest.fixture
def synthetic_channel(tmp_path: Path) -> SyntheticChannel:
    """Return an empty channel of this test's own."""
    return SyntheticChannel(tmp_path / "channel")


@pytest.fixture(scope="session")
def rattler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rattler]:
    """Return rattler's installer, in a process of its own that all tests share."""
    installer = Rattler(tmp_path_factory.mktemp("rattler"))
    yield installer
    installer.close()
