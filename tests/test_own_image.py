"""The project's own image, as `container/conda-docker.toml` declares it: it runs, and builds an image."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from conda_docker.link.bytecode.python_program import minor_version
from demo.base import make_base
from demo.channel import IndexUnreachable, RealChannel
from demo.interpreter import VERSION
from demo.unpack import unpack
from demo.wheels import fetch_wheels
from python_docker import __version__
from python_docker.transports import open_image
from tests.conda_docker.conftest import real_channel
from tests.peers import run_in_bwrap

__all__ = ["real_channel"]

ROOT = Path(__file__).resolve().parents[1]
CONTAINER = ROOT / "container"
BUILD = ("build", "-b", "scratch", "--override-channels", "--no-config", "--quiet", "markupsafe")


@pytest.fixture(scope="module")
def image(real_channel: RealChannel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a layout with the image, of this machine's Python, C library and busybox."""
    folder = tmp_path_factory.mktemp("own-image")
    try:
        fetch_wheels(["xxhash"], folder / "probe")
    except IndexUnreachable as error:
        pytest.skip(str(error))
    text = (CONTAINER / "environment.yml").read_text()
    text = text.replace("conda-forge", real_channel.url).replace("python=3.13.*", f"python={VERSION}")
    file = folder / "environment.yml"
    file.write_text(text.replace("- ..\n", f"- {ROOT}\n"))
    # The channel's Python brings no certificates, as conda-forge's does.
    certificates = f"/opt/conda/lib/python{minor_version(VERSION)}/site-packages/certifi/cacert.pem"
    options = [
        "--file",
        str(file),
        "--env",
        f"SSL_CERT_FILE={certificates}",
        "--base",
        f"oci:{make_base()}",
        "--platform",
        real_channel.subdir,
    ]
    environment = {**os.environ, "CONDA_DOCKER_CACHE": str(folder / "cache"), "HOME": str(folder)}
    command: list[str | Path] = [
        Path(sys.executable).with_name("conda-docker"),
        "build",
        *options,
        "-o",
        f"oci:{folder / 'image'}",
    ]
    done = subprocess.run(
        command, cwd=CONTAINER, env=environment, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder / "image"


@pytest.fixture(scope="module")
def root(image: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("root") / "rootfs"
    unpack(open_image(f"oci:{image}"), folder)
    return folder


def variables(image: Path) -> dict[str, str]:
    return {**open_image(f"oci:{image}").config.environment, "HOME": "/root"}


def test_it_says_what_it_is(image: Path) -> None:
    config = open_image(f"oci:{image}").config
    assert config["Labels"]["org.opencontainers.image.title"] == "conda-docker"
    assert config["Labels"]["org.opencontainers.image.version"] == __version__
    assert config["Cmd"] == ["conda-docker", "--help"]
    assert config["User"] == ""


def test_the_program_starts(image: Path, root: Path) -> None:
    said = run_in_bwrap(root, "sh", "-c", "conda-docker --version", env=variables(image)).stdout
    assert said == f"conda-docker {__version__}\n"


def test_an_image_is_built_in_it(image: Path, root: Path, real_channel: RealChannel, tmp_path: Path) -> None:
    shutil.copytree(real_channel.folder, root / "srv/channel", dirs_exist_ok=True)
    channel = ("-c", "file:///srv/channel")
    inside = run_in_bwrap(root, "conda-docker", *BUILD, *channel, "-o", "oci:/srv/layout", env=variables(image)).stdout
    assert re.fullmatch(r"sha256:[0-9a-f]{64}\n", inside)
    assert open_image(f"oci:{root / 'srv/layout'}").digest == inside.strip()


def test_the_declaration_is_of_this_project() -> None:
    declared = tomllib.loads((CONTAINER / "conda-docker.toml").read_text())
    assert declared["file"] == ["environment.yml"]
    _, wheels = yaml.safe_load((CONTAINER / "environment.yml").read_text())["dependencies"]
    assert (CONTAINER / wheels["pip"][0]).resolve() == ROOT
