"""An environment from scratch as a volume of another container, as pods mount images."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.build_options import BuildOptions
from conda_docker.image.assemble import build_image
from conda_docker.resolution.lock import lock
from demo.base import make_base
from demo.channel import RealChannel
from demo.unpack import unpack
from python_docker.transports import open_image, write_image
from tests.peers import DockerEngine

PROGRAM = "import numpy, sys; print(sys.prefix, numpy.ones(3).sum())"


@pytest.fixture(scope="module")
def volume(real_channel: RealChannel, docker_engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the files of an environment from scratch; the engine has a base image that knows nothing of it."""
    folder = tmp_path_factory.mktemp("volume")
    environment = lock(["python", "numpy"], channels=[real_channel.url], override_channels=True)
    unpack(build_image(environment, None, BuildOptions(cache_dir=folder / "cache")).image, folder / "root")
    base = open_image(f"oci:{make_base()}")
    base.name, base.tag = "application", "v1"
    write_image(base, str(folder / "base.tar"))
    docker_engine.load(folder / "base.tar")
    return folder / "root"


def test_the_whole_image_is_mounted(volume: Path, docker_engine: DockerEngine) -> None:
    options = ("--volume", f"{volume}:/environment:ro", "--user", "1000", "--read-only")
    python = "/environment/opt/conda/bin/python"
    assert docker_engine.run("application:v1", python, "-c", PROGRAM, options=options).stdout == (
        "/environment/opt/conda 3.0\n"
    )


def test_the_environment_is_mounted_where_it_was_built_for(volume: Path, docker_engine: DockerEngine) -> None:
    options = ("--volume", f"{volume}/opt/conda:/opt/conda:ro", "--user", "1000", "--read-only")
    said = docker_engine.run("application:v1", "/opt/conda/bin/python", "-c", PROGRAM, options=options).stdout
    assert said == "/opt/conda 3.0\n"
