"""`python -m docker_envs`, the command line of the first release."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import docker_envs.cli
from conda_docker.cli.docker_envs import translate
from python_docker.transports import open_image
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage


def run(*args: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "docker_envs", *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)


def test_a_package_is_p_and_a_prefix_of_an_option_will_do() -> None:
    assert translate(["build", "-p", "numpy", "--pack", "numba", "--out", "demo.tar"]) == [
        "build",
        *("-b", "continuumio/miniconda3:latest"),
        *("-i", "docker_envs:latest"),
        *("-o", "docker-archive:demo.tar"),
        *("--", "numpy", "numba"),
    ]


def test_any_name_of_a_file_is_an_archive() -> None:
    assert "docker-archive:demo" in translate(["build", "-p", "numpy", "-o", "demo"])


def test_the_documented_command(synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    names = ("numpy", "numba", "flask")
    synthetic_channel.add(*(SyntheticPackage(name=name, files={f"lib/{name}": name.encode()}) for name in names))
    (tmp_path / ".condarc").write_text(f"channels: [{synthetic_channel.url}]\n")
    command = "build -b scratch -i example-image:123456 -p numpy -p numba -p flask -o demo.tar"
    result = run(*command.split(), cwd=tmp_path, env={"HOME": str(tmp_path), "CONDA_DOCKER_CACHE": str(tmp_path / "c")})
    assert result.returncode == 0, result.stderr
    image = open_image(str(tmp_path / "demo.tar"))
    assert (image.name, image.tag) == ("example-image", "123456")
    assert {f"opt/conda/lib/{name}" for name in names} <= set(image.list_files())


def test_without_a_command_help_is_shown() -> None:
    result = run()
    assert result.returncode == 1
    assert "build" in result.stdout


@pytest.mark.parametrize("args", [["build"], ["build", "-o", "x.tar"], ["build", "-p", "x"], ["bild"]])
def test_wrong_usage(args: list[str]) -> None:
    assert run(*args).returncode == 2


def test_the_function_of_the_first_release(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        docker_envs.cli.cli(["build", "-p", "numpy", "-o", "missing/folder/x.tar"])
    assert end.value.code == 4
    assert "missing/folder" in capsys.readouterr().err
