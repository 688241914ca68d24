"""The examples in Python of the README and the pages, run word for word; those in TOML and YAML, read as they are."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
import tomli

from conda_docker.channels.configuration import read_conda_configuration
from conda_docker.policy.rules import read_policy
from demo.base import make_base
from demo.channel import RealChannel
from python_docker.copying.copy import copy_image
from tests.conda_docker.conftest import real_channel
from tests.documentation.pages import PAGES, ROOT, Block, blocks
from tests.documentation.test_sessions import HOSTS, PYTHON, user
from tests.peers import Registry

__all__ = ["real_channel", "user"]


def _is_example(block: Block) -> bool:
    """Return whether it is Python that a reader runs; those with a title are files of sessions, which are run there."""
    return block.language == "python" and block.title is None


PYTHON_PAGES = [page for page in PAGES if any(_is_example(block) for block in blocks(page))]
ENVIRONMENT = "channels:\n  - {channel}\ndependencies:\n  - {python}\n  - flask\n"


def _blocks(page: str, language: str) -> list[Block]:
    return [block for block in blocks(ROOT / page) if block.language == language]


@pytest.mark.parametrize("page", PYTHON_PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_run(
    page: Path, user: dict[str, str], registry: Registry, real_channel: RealChannel, tmp_path: Path
) -> None:
    copy_image(f"oci:{make_base()}", f"docker://{registry.host}/continuumio/miniconda3:latest")
    environment = ENVIRONMENT.format(channel=real_channel.url, python=PYTHON)
    for name in ("environment.yml", "modules/one/environment.yml", "src/app/__main__.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(environment if name.endswith(".yml") else "print('hello')\n")
    script = "\n".join(block.text for block in blocks(page) if _is_example(block))
    for host in HOSTS:
        script = script.replace(f"{host}/", f"{registry.host}/{page.stem.lower()}/")
    script = script.replace("python=3.12", PYTHON).replace('"linux/amd64,linux/arm64"', repr(real_channel.subdir))
    script = script.replace('channels="conda-forge"', f"channels={real_channel.url!r}")
    script = script.replace("Registry()", f"Registry({registry.url!r})")  # which else is Docker Hub, whatever is set
    (tmp_path / "example.py").write_text(script)
    ended = subprocess.run(
        [sys.executable, "example.py"], cwd=tmp_path, env=user, capture_output=True, text=True, timeout=280, check=False
    )
    assert ended.returncode == 0, ended.stderr[-3000:]


@pytest.mark.parametrize("block", _blocks("docs/guides/declared-builds.md", "toml"), ids=str)
def test_declared_builds_have_keys_that_there_are(block: Block) -> None:
    schema = json.loads(files("conda_docker.cli.declared").joinpath("conda-docker.schema.json").read_text())
    jsonschema.validate(tomli.loads(block.text), schema)


def test_the_example_of_rules_is_read(tmp_path: Path) -> None:
    [block] = _blocks("docs/policy.md", "toml")
    (tmp_path / "policy.toml").write_text(block.text)
    policy = read_policy(tmp_path / "policy.toml")
    assert policy.require_hash


def test_the_example_of_conda_s_configuration_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [block] = _blocks("docs/layer-repositories.md", "yaml")
    (tmp_path / "condarc").write_text(block.text)
    monkeypatch.setenv("CONDARC", str(tmp_path / "condarc"))
    configuration = read_conda_configuration()
    assert list(configuration.cache_from) == list(configuration.cache_to) == ["ghcr.io/org/layers"]
