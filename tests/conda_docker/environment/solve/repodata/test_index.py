"""What channels say of packages, with nothing solved."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.environment.solve.repodata.index import indexed_hashes
from conda_docker.errors import ChannelError
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.settings import home

__all__ = ["home"]


def test_hashes_by_urls(synthetic_channel: SyntheticChannel) -> None:
    tool, text = SyntheticPackage(name="tool"), SyntheticPackage(name="text", subdir="noarch", noarch="generic")
    synthetic_channel.add(tool, text, SyntheticPackage(name="other"))
    assert indexed_hashes({"tool", "text", "none"}, [synthetic_channel.url], "linux-64") == {
        f"{synthetic_channel.url}/linux-64/tool-1.0-0.conda": synthetic_channel.record(tool)["sha256"],
        f"{synthetic_channel.url}/noarch/text-1.0-0.conda": synthetic_channel.record(text)["sha256"],
    }


def test_a_channel_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ChannelError):
        indexed_hashes({"tool"}, [(tmp_path / "none").as_uri()], "linux-64")
