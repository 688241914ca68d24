"""Conda packages are chosen by a solver."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.errors import SolverFailed, Unsolvable
from conda_docker.resolution.lock import lock
from python_docker.spec.platform import Platform
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.resolution.asking import AMD64, write


def test_the_variant_of_the_platform(channel: SyntheticChannel) -> None:
    with pytest.raises(Unsolvable, match="__archspec"):
        lock(["fast"], channels=[channel.url], platform=AMD64)
    assert lock(["fast"], channels=[channel.url], platform=Platform.parse("linux/amd64/v3")).packages


def test_virtual_packages(channel: SyntheticChannel) -> None:
    assert lock(["gpu"], channels=[channel.url], platform=AMD64, virtual_packages=["__cuda=12.4"]).packages


def test_channels_given_come_before_the_files(channel: SyntheticChannel, tmp_path: Path) -> None:
    other = SyntheticChannel(tmp_path / "other")
    other.add(SyntheticPackage(name="library", version="9", noarch="generic"))
    file = write(tmp_path / "environment.yml", f"channels: ['{other.url}']\ndependencies: [library]\n")
    assert lock(file=file, channels=[channel.url], platform=AMD64).packages[0].version == "1.0"
    assert lock(file=file, platform=AMD64).packages[0].version == "9"


def test_another_solver(tmp_path: Path) -> None:
    with pytest.raises(SolverFailed, match="there is no program"):
        lock(["a"], solver=tmp_path / "mamba", platform=AMD64)
    with pytest.raises(SolverFailed, match="there is no program"):
        lock(["a"], conda_exe=tmp_path / "conda", platform=AMD64)
