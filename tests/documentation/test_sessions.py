"""The sessions of the README, the tutorial and the guides, run word for word.

Hosts of registries are those of a registry of the tests' own, Docker Hub's images are in it as well, and the channel is
one of real packages, whose Python is this machine's. Blocks that say what they need are not run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from demo.base import make_base
from demo.channel import RealChannel
from python_docker.copying.copy import copy_image
from tests.conda_docker.conftest import real_channel
from tests.documentation.pages import PAGES, Block, blocks
from tests.peers import DockerEngine, Registry

__all__ = ["real_channel"]

HOSTS = ("ghcr.io", "registry.example.com")
HUB = ("library/debian:stable-slim", "library/ubuntu:24.04", "library/python:3.12-slim")
SESSIONS = [page for page in PAGES if page.name == "tutorial.md" or page.parent.name == "guides"]
FILES = {
    "environment.yml": "channels:\n  - conda-forge\ndependencies:\n  - python=3.12\n  - flask\n",
    "src/app/__main__.py": "print('hello')\n",
}
"""What is in the folder of a reader, unless the page says otherwise."""
PYTHON = f"python={sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture(scope="module")
def user(
    registry: Registry, real_channel: RealChannel, docker_engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """Return the environment variables of a user of this machine."""
    for base in HUB:
        copy_image(f"oci:{make_base()}", f"docker://{registry.host}/{base}")
    home = tmp_path_factory.mktemp("home")
    (home / ".condarc").write_text(json.dumps({"channels": [real_channel.url], "override_channels_enabled": True}))
    programs = home / "bin"
    programs.mkdir()
    (programs / "docker").symlink_to(docker_engine.docker.path)
    kept = {name: os.environ[name] for name in ("LANG", "TMPDIR", "PIP_INDEX_URL") if name in os.environ}
    return kept | {
        "HOME": str(home),
        "CONDA_DOCKER_CACHE": str(tmp_path_factory.mktemp("cache")),
        "CONDA_DOCKER_REGISTRY_URL": registry.url,
        "DOCKER_HOST": docker_engine.host,
        "DOCKER_CONFIG": str(docker_engine.root / "docker-config"),
        "PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
    }


@pytest.mark.parametrize("page", SESSIONS, ids=lambda page: page.stem)
def test_the_session_runs(
    page: Path, user: dict[str, str], registry: Registry, real_channel: RealChannel, tmp_path: Path
) -> None:
    runs = [block for block in blocks(page) if block.needs is None]
    folder = [_write(name, text) for name, text in FILES.items()]
    script = "set -eu\n" + "".join([*folder, *map(_step, runs)])
    for host in HOSTS:
        script = script.replace(f"{host}/", f"{registry.host}/{page.stem}/")
    script = script.replace("python=3.12", PYTHON).replace("  - conda-forge\n", f"  - {real_channel.url}\n")
    ended = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=user, capture_output=True, text=True, timeout=600, check=False
    )
    assert ended.returncode == 0, f"{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}"


def _step(block: Block) -> str:
    """Return shell commands that do what a reader of the block does: write its file, or run its commands."""
    if block.title is not None:
        return (
            f"mkdir -p \"$(dirname '{block.title}')\"\ncat > '{block.title}' <<'END-OF-FILE'\n{block.text}END-OF-FILE\n"
        )
    return "".join(f"echo '+ {block}'\n{command}\n" for command in block.commands())


def _write(name: str, text: str) -> str:
    return f"mkdir -p \"$(dirname '{name}')\"\ncat > '{name}' <<'END-OF-FILE'\n{text}END-OF-FILE\n"


def test_what_blocks_need_is_known() -> None:
    known = {
        *(
            "Apptainer",
            "GitHub Actions",
            "GitLab",
            "Kubernetes",
            "a GPU",
            "a channel",
            "a private registry",
            "a server",
        ),
        *("a clone, and a Python index", "a git checkout", "a scheduler"),
        *("conda-forge", "docker build", "the Python index"),
    }
    assert {block.needs for page in SESSIONS for block in blocks(page) if block.needs} <= known
