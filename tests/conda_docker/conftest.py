"""Fixtures of conda packages and channels."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.channel import IndexUnreachable, NotHere, RealChannel, make_channel
from tests.conda_docker.channel import SyntheticChannel
from tests.conda_docker.oracle import Rattler
from tests.peers.availability import REQUIRE_PEERS


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


@pytest.fixture(scope="session")
def real_channel() -> RealChannel:
    """Return a channel with this machine's Python, numpy, numba, flask and what they need; made once, then kept.

    Where the Python index cannot be reached the test is skipped, or fails where `REQUIRE_PEERS` is 1.
    """
    try:
        return make_channel()
    except (IndexUnreachable, NotHere) as error:
        if os.environ.get(REQUIRE_PEERS) == "1":
            pytest.fail(f"{error}\n{REQUIRE_PEERS}=1 asks for it", pytrace=False)
        pytest.skip(str(error))
