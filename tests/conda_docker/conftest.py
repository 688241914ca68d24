"""Fixtures of conda packages and channels, and the real program, as users start it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from demo.channel import IndexUnreachable, NotHere, RealChannel, make_channel
from python_docker.image import Image
from python_docker.image.layer_builder import build_layer
from python_docker.tar import TarEntry
from tests.conda_docker.channel import SyntheticChannel
from tests.conda_docker.oracle import Rattler
from tests.peers.availability import REQUIRE_PEERS

Run = Callable[..., subprocess.CompletedProcess[str]]


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


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return environment variables in which nothing of this machine's user is to be seen."""
    (tmp_path / "home").mkdir()
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT") if name in os.environ}
    return kept | {"HOME": str(tmp_path / "home"), "CONDA_DOCKER_CACHE": str(tmp_path / "cache")}


@pytest.fixture
def program(tmp_path: Path, environment: dict[str, str]) -> Run:
    """Return a function that runs the program as users do, in `tmp_path`, and gives its exit code and output."""

    def run(*args: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [Path(sys.executable).with_name("conda-docker"), *map(str, args)],
            cwd=tmp_path,
            env=environment | (env or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def runnable_base(runnable_files: dict[str, bytes]) -> Image:
    """Return an image with a shell and the usual programs."""
    image = Image()
    with build_layer(None) as builder:
        for path, content in runnable_files.items():
            builder.add(TarEntry(path, mode=0o755, size=len(content)), content)
    assert builder.layer is not None
    image.add_layer(builder.layer)
    return image
