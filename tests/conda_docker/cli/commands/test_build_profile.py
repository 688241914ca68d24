"""`conda-docker build --profile`: short for the options that it stands for."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from python_docker.transports import open_image
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.cli.conftest import Run

Build = Callable[..., CompletedProcess[str]]

WRITTEN_OUT = {
    "jupyterhub": "--user 1000:100 --user-name jovyan --workdir /home/jovyan --expose 8888 --cmd jupyterhub-singleuser "
    "--env NB_USER=jovyan --env NB_UID=1000 --env NB_GID=100 --env HOME=/home/jovyan",
    "binder": "--user 1000:1000 --user-name jovyan --workdir /home/jovyan --prefix-in-image /srv/conda/envs/notebook "
    "--expose 8888 --cmd 'jupyter lab --ip=0.0.0.0 --port=8888' --env USER=jovyan --env NB_USER=jovyan "
    "--env NB_UID=1000 --env HOME=/home/jovyan --env REPO_DIR=/home/jovyan --env CONDA_DIR=/srv/conda "
    "--env NB_PYTHON_PREFIX=/srv/conda/envs/notebook --env KERNEL_PYTHON_PREFIX=/srv/conda/envs/notebook",
    "devcontainer": "--user 1000:1000 --user-name vscode --workdir /home/vscode --cmd 'sleep infinity' "
    """--label 'devcontainer.metadata=[{"remoteUser": "vscode"}]'""",
    "dask": "--user 1000:1000 --user-name dask --workdir /home/dask --expose 8786 --expose 8787 --cmd 'dask scheduler' "
    "--env HOME=/home/dask",
    "kubernetes": "--user 1000:1000 --user-name app --workdir /home/app --env HOME=/home/app "
    "--env PYTHONUNBUFFERED=1 --env PYTHONDONTWRITEBYTECODE=1",
}


@pytest.fixture
def build(conda_docker: Run, synthetic_channel: SyntheticChannel) -> Build:
    """Return a function that builds an image of one package from scratch into a layout."""
    synthetic_channel.add(SyntheticPackage(name="tool", version="1.0", files={"lib/tool.so": b"tool"}))

    def run(*args: str) -> CompletedProcess[str]:
        channel = ("-c", synthetic_channel.url, "--override-channels")
        return conda_docker("build", "-b", "scratch", *channel, "tool", *args)

    return run


@pytest.mark.parametrize("name", WRITTEN_OUT)
def test_the_digest_is_that_of_the_options_written_out(name: str, build: Build) -> None:
    short = build("--profile", name, "-o", "oci:short", "--quiet")
    long = build(*shlex.split(WRITTEN_OUT[name]), "-o", "oci:long", "--quiet")
    assert short.returncode == 0, short.stderr
    assert short.stdout == long.stdout


def test_what_is_given_wins(build: Build, tmp_path: Path) -> None:
    args = ("--cmd", "serve", "--env", "PYTHONUNBUFFERED=0", "--env", "A=1")
    assert build("--profile", "kubernetes", *args, "-o", "oci:out").returncode == 0
    config = open_image(f"oci:{tmp_path}/out").config
    assert config["Cmd"] == ["serve"]
    assert config.environment.items() >= {"PYTHONUNBUFFERED": "0", "A": "1", "PYTHONDONTWRITEBYTECODE": "1"}.items()


def test_it_is_in_the_summary_and_in_the_reports(build: Build) -> None:
    assert "profile  dask\n" in build("--profile", "dask", "-o", "oci:out").stdout
    assert "profile     dask\n" in build("--profile", "dask", "--dry-run").stdout
    for args in (("-o", "oci:out"), ("--dry-run",)):
        assert json.loads(build("--profile", "dask", *args, "--json").stdout)["profile"] == "dask"
        assert json.loads(build(*args, "--json").stdout)["profile"] is None


def test_packages_that_its_command_needs_are_missed(build: Build) -> None:
    said = build("--profile", "dask", "--dry-run").stderr
    assert "the profile dask needs a package that this environment does not have: distributed" in said


def test_it_is_declared_in_a_file(build: Build, tmp_path: Path) -> None:
    (tmp_path / "conda-docker.toml").write_text('profile = "kubernetes"\nuser = "2000"\n')
    assert build("-o", "oci:out").returncode == 0
    config = open_image(f"oci:{tmp_path}/out").config
    assert (config["User"], config.environment["PYTHONUNBUFFERED"]) == ("2000:2000", "1")


def test_another_name_is_wrong_usage(build: Build) -> None:
    result = build("--profile", "jupyter", "-o", "oci:out")
    assert result.returncode == 2
    assert "jupyterhub" in result.stderr
