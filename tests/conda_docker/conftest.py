"""Fixtures of conda packages and channels."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conda_docker.channel import SyntheticChannel


@pytest.fixture
def synthetic_channel(tmp_path: Path) -> SyntheticChannel:
    """Return an empty channel of this test's own."""
    return SyntheticChannel(tmp_path / "channel")
