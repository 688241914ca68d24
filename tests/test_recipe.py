"""The recipe of a conda package says what pyproject.toml says, and makes a package that runs in an image."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from conda_docker.build_options import BuildOptions
from conda_docker.image.assemble import build_image
from conda_docker.resolution.lock import lock
from demo.base import make_base
from demo.channel import IndexUnreachable, NotHere, make_channel
from demo.unpack import unpack
from python_docker import __version__, open_image
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.real_conda import require_conda
from tests.peers import run_in_bwrap

ROOT = Path(__file__).resolve().parents[1]
NAMES = {"docker": "docker-py", "installer": "python-installer", "isal": "python-isal", "xxhash": "python-xxhash"}
"""What packages are called on conda-forge, where another package has their name."""
BUILD = """
import sys
from rattler_build.cli_api import build_recipes
build_recipes([sys.argv[1]], channel=sys.argv[3:], output_dir=sys.argv[2], test="skip")
"""


def recipe() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "recipe" / "recipe.yaml").read_text())
    return document


def project() -> dict[str, Any]:
    document: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return document


def test_versions_are_the_same() -> None:
    context = recipe()["context"]
    assert context["version"] == project()["version"] == __version__
    assert f">={context['python_min']}" == project()["requires-python"]


def test_dependencies_are_the_same() -> None:
    wanted = {"python >=${{ python_min }}"}
    for text in project()["dependencies"]:
        requirement = Requirement(text)
        version = ",".join(sorted(map(str, requirement.specifier), key=lambda part: "<" in part))
        wanted.add(f"{NAMES.get(requirement.name, requirement.name)} {version}")
    assert set(recipe()["requirements"]["run"]) == wanted


def test_commands_are_the_same() -> None:
    scripts = [f"{name} = {target}" for name, target in project()["scripts"].items()]
    assert recipe()["build"]["python"]["entry_points"] == scripts


@pytest.fixture(scope="module")
def channels(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return channels with the package as rattler-build makes it, what it needs, and this machine's Python."""
    names = [Requirement(text).name for text in project()["dependencies"]]
    try:
        needed = make_channel(("hatchling", *names))
    except (IndexUnreachable, NotHere) as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("recipe")
    renamed = SyntheticChannel(folder / "renamed")
    records = [record for file in needed.folder.glob("*/repodata.json") for record in _records(file)]
    versions = {record["name"]: record["version"] for record in records}
    for name in names:
        own, forge = canonicalize_name(name), NAMES.get(name, name)
        if forge != own:
            renamed.add(SyntheticPackage(name=forge, version=versions[own], depends=(own,)))
    command: list[str | Path] = [
        sys.executable,
        "-c",
        BUILD,
        ROOT / "recipe" / "recipe.yaml",
        folder / "built",
        needed.url,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return [(folder / "built").as_uri(), renamed.url, needed.url]


def _records(repodata: Path) -> list[dict[str, Any]]:
    return list(json.loads(repodata.read_text())["packages.conda"].values())


def test_rattler_build_makes_a_package_for_every_platform(channels: list[str]) -> None:
    [archive] = Path(channels[0].removeprefix("file://")).glob("noarch/*.conda")
    assert archive.name.startswith(f"conda-docker-{__version__}-")
    assert archive.stat().st_size < 5_000_000


def test_the_package_runs_in_an_image(channels: list[str], tmp_path: Path) -> None:
    environment = lock(["conda-docker"], channels=channels, override_channels=True)
    base = open_image(f"oci:{make_base()}")
    image = build_image(environment, base, BuildOptions(cache_dir=tmp_path / "cache")).image
    unpack(image, tmp_path / "root")
    variables = {**image.config.environment, "HOME": "/root"}
    assert run_in_bwrap(tmp_path / "root", "conda-docker", "--version", env=variables).stdout == (
        f"conda-docker {__version__}\n"
    )
    program = "from conda_docker.pypi.resolve.uv import uv_program; print(uv_program())"
    assert "bin/uv" in run_in_bwrap(tmp_path / "root", "python", "-c", program, env=variables).stdout


def test_a_real_conda_installs_the_package_and_has_the_command(channels: list[str], tmp_path: Path) -> None:
    conda = require_conda(tmp_path)
    options = [word for channel in channels for word in ("--channel", channel)]
    prefix = tmp_path / "prefix"
    conda("create", "--prefix", prefix, "--override-channels", *options, "conda-docker", timeout=280)
    assert subprocess.run(
        [prefix / "bin" / "conda-docker", "--version"], capture_output=True, text=True, timeout=60, check=True
    ).stdout == (f"conda-docker {__version__}\n")
