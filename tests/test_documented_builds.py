"""The documented builds of the earlier tools, word for word, and what conda-store asks of them.

The registry of the base images is another (`CONDA_DOCKER_REGISTRY_URL`), and so is the channel (the user's conda
configuration): a channel of real packages, on a base that they run on.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from demo.base import make_base
from demo.channel import RealChannel
from python_docker.copying.copy import copy_image
from python_docker.image import Image
from tests.conda_docker.conftest import real_channel
from tests.peers import DockerEngine, Registry

__all__ = ["real_channel"]

BASES = ("continuumio/miniconda3:latest", "frolvlad/alpine-glibc:latest", "library/debian:stable-slim")
IMPORTS = "import numpy, numba, flask; print('I ran', numpy.__version__)"


@pytest.fixture(scope="module")
def surroundings(
    registry: Registry, real_channel: RealChannel, docker_engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """Return the environment of a user whose conda has this channel, with a shared layer cache."""
    for base in BASES:
        copy_image(f"oci:{make_base()}", f"docker://{registry.host}/{base}")
    home = tmp_path_factory.mktemp("home")
    (home / ".condarc").write_text(json.dumps({"channels": [real_channel.url]}))
    mine = {name: value for name, value in os.environ.items() if not name.startswith(("CONDA", "MAMBA", "PIXI"))}
    return mine | {
        "HOME": str(home),
        "CONDA_DOCKER_CACHE": str(tmp_path_factory.mktemp("cache")),
        "CONDA_DOCKER_REGISTRY_URL": registry.url,
        "DOCKER_HOST": docker_engine.host,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }


@pytest.fixture
def python(surroundings: dict[str, str], tmp_path: Path) -> Callable[[str], str]:
    """Return what runs an example in a process of its own, in an empty folder."""

    def run(example: str) -> str:
        command = [sys.executable, "-c", example]
        done = subprocess.run(command, cwd=tmp_path, env=surroundings, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def shell(surroundings: dict[str, str], tmp_path: Path) -> Callable[[str], str]:
    """Return what runs a command line in an empty folder."""

    def run(example: str) -> str:
        command = shlex.split(example.replace("\\\n", " "))
        done = subprocess.run(command, cwd=tmp_path, env=surroundings, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def check(engine: DockerEngine, archive: Path, name: str) -> None:
    assert f"Loaded image: {name}" in engine.load(archive)
    assert engine.run(name, "python", "-c", IMPORTS).stdout.startswith("I ran ")


@pytest.mark.parametrize("package", ["docker_envs", "conda_docker"])
@pytest.mark.parametrize("base", ["continuumio/miniconda3", "frolvlad/alpine-glibc"])
def test_build_docker_environment(
    python: Callable[[str], str], docker_engine: DockerEngine, tmp_path: Path, package: str, base: str
) -> None:
    python(f"""
from {package}.conda import build_docker_environment

build_docker_environment(
    base_image='{base}:latest',
    output_image='example-image:123456',
    packages=[
        'numpy',
        'numba',
        'flask',
    ],
    output_filename='demo.tar')
""")
    check(docker_engine, tmp_path / "demo.tar", "example-image:123456")


def test_docker_envs_command(shell: Callable[[str], str], docker_engine: DockerEngine, tmp_path: Path) -> None:
    shell("""python -m docker_envs build -b continuumio/miniconda3:latest \\
                            -i example-image:123456 \\
                            -p numpy -p numba -p flask \\
                            -o demo.tar""")
    check(docker_engine, tmp_path / "demo.tar", "example-image:123456")


def test_conda_docker_command(shell: Callable[[str], str], docker_engine: DockerEngine, tmp_path: Path) -> None:
    shell("""conda-docker build -b frolvlad/alpine-glibc:latest \\
                   -i example-image:123456 \\
                   -o demo.tar \\
                   numpy numba flask""")
    check(docker_engine, tmp_path / "demo.tar", "example-image:123456")


def test_conda_docker_command_with_its_defaults(
    shell: Callable[[str], str], docker_engine: DockerEngine, tmp_path: Path
) -> None:
    shell("conda-docker build -i conda-docker-dev-2:latest -o conda-docker-dev-2.docker.tar numpy numba flask")
    check(docker_engine, tmp_path / "conda-docker-dev-2.docker.tar", "conda-docker-dev-2:latest")


CONDA_STORE = """
import sys
from pathlib import Path

from conda_docker.conda import (
    build_docker_environment_image,
    conda_info,
    fetch_precs,
    find_user_conda,
    precs_from_environment_prefix,
)
from python_docker.registry import Image, Registry

prefix, kind, strategy, output = sys.argv[1:]
user_conda = find_user_conda()
info = conda_info(user_conda)
download_dir = info["pkgs_dirs"][0]
precs = precs_from_environment_prefix(Path(prefix) if kind == "str" else prefix, download_dir, user_conda)
records = fetch_precs(download_dir, precs)
base_image = "frolvlad/alpine-glibc:latest"
if kind == "Image":
    import os

    registry = Registry(hostname=os.environ["CONDA_DOCKER_REGISTRY_URL"])
    base_image = registry.pull_image("library/debian", "stable-slim")
image = build_docker_environment_image(
    base_image=base_image,
    output_image="Analysis+2?:0123-20260101-000000-000000-7-Analysis+2?",
    records=records,
    default_prefix=info["env_vars"]["CONDA_ROOT"],
    download_dir=download_dir,
    user_conda=user_conda,
    channels_remap=info.get("channels_remap", []),
    layering_strategy=strategy,
)
print(image.name, image.tag, len(image.layers))
print([type(layer.content) for layer in image.layers][0].__name__)
image.name, image.tag = "store", "1"
image.write_filename(output)
"""


@pytest.fixture(scope="module")
def prefix(real_channel: RealChannel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an environment that rattler installed."""
    target = tmp_path_factory.mktemp("environment") / "env"
    script = """
import asyncio, os, sys
from rattler import Channel, VirtualPackage, install, solve
async def main():
    records = await solve([Channel(sys.argv[1])], ["numpy", "numba", "flask"], platforms=[sys.argv[3], "noarch"],
        virtual_packages=VirtualPackage.detect())
    await install(records, target_prefix=sys.argv[2], cache_dir=sys.argv[2] + "-cache", show_progress=False)
asyncio.run(main())
os._exit(0)
"""
    arguments = [real_channel.url, str(target), real_channel.subdir]
    subprocess.run([sys.executable, "-c", script, *arguments], check=True)
    return target


@pytest.mark.parametrize(("kind", "strategy"), [("str", "layered"), ("Image", "single")])
def test_conda_store_s_calls(
    surroundings: dict[str, str],
    prefix: Path,
    docker_engine: DockerEngine,
    tmp_path: Path,
    kind: str,
    strategy: str,
) -> None:
    output = tmp_path / "store.tar"
    command = [sys.executable, "-c", CONDA_STORE, str(prefix), kind, strategy, str(output)]
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Analysis+2? 0123-20260101-000000-000000-7-Analysis+2? ")
    assert lines[1] == "bytes"
    check(docker_engine, output, "store:1")
    image = Image.from_filename(output)[0]
    assert all(hashlib.sha256(layer.content).hexdigest() == layer.diff_id.encoded for layer in image.layers)


def names(module: Any) -> set[str]:
    return set(module.__all__)


def test_every_name_is_there() -> None:
    import conda_docker.conda
    import docker_envs.conda

    assert all(callable(getattr(conda_docker.conda, name)) for name in names(conda_docker.conda))
    assert names(docker_envs.conda) == {"build_docker_environment", "conda_file_filter"}
