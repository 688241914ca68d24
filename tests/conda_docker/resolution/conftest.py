"""A base image, a channel and an environment to ask for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from python_docker import Image
from python_docker.spec.platform import Platform
from python_docker.transports import write_image
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.resolution.asking import OLD_GLIBC
from tests.conda_docker.settings import home, serve

__all__ = ["home", "serve"]


@pytest.fixture
def base(tmp_path: Path) -> str:
    """Return the place of a base image for arm64 whose C library is old."""
    image = Image("base", "v1", platform=Platform("linux", "arm64"))
    image.add_layer_contents({"lib/aarch64-linux-gnu/libc.so.6": OLD_GLIBC})
    write_image(image, f"oci:{tmp_path}/base:v1")
    return f"oci:{tmp_path}/base:v1"


@pytest.fixture
def channel(synthetic_channel: SyntheticChannel) -> SyntheticChannel:
    """Return a channel with packages for two platforms."""
    synthetic_channel.add(
        SyntheticPackage(name="tool", depends=["library"]),
        SyntheticPackage(name="library", noarch="generic"),
        SyntheticPackage(name="tool", subdir="linux-aarch64", build="arm"),
        SyntheticPackage(name="fast", depends=["__archspec 1 x86_64_v3"]),
        SyntheticPackage(name="gpu", depends=["__cuda"]),
    )
    return synthetic_channel


@pytest.fixture
def prefix(home: Path) -> Path:
    """Return an environment called `mine`, of one package."""
    folder = home / ".conda/envs/mine"
    (folder / "conda-meta").mkdir(parents=True)
    record = {
        "name": "a",
        "version": "1",
        "build": "0",
        "subdir": "linux-64",
        "url": "https://host/c/linux-64/a-1-0.conda",
    }
    (folder / "conda-meta/a-1-0.json").write_text(json.dumps(record))
    return folder
