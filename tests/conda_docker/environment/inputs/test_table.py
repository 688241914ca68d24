"""Kinds of files are told apart, and those that cannot be read yet are refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.environment.inputs.kind import InputFile, ReadRequest
from conda_docker.environment.inputs.table import kind_of
from conda_docker.errors import InvalidEnvironment, UnsupportedInput
from tests.conda_docker.environment.real_files import real_files


def read(path: Path, text: str) -> object:
    file = InputFile.of(path, text)
    return kind_of(file).read(ReadRequest(file=file))


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("environment.yml", "dependencies: [a]", "an environment.yml"),
        ("env.yaml", "", "an environment.yml"),
        ("environment", "name: x\ndependencies:\n  - a\n", "an environment.yml"),
        ("conda-linux-64.lock", "# platform: linux-64\n@EXPLICIT\nhttps://host/a\n", "an explicit list"),
        ("x.yml", "@EXPLICIT\n", "an explicit list"),
        ("pixi.lock", "version: 1\nmetadata: {}\npackage: []\n", "a pixi lock file"),
        ("lock.yml", "version: 6\nenvironments:\n  default: {}\npackages: []\n", "a pixi lock file"),
        ("lock.yml", "version: 3\nmetadata: {}\npackage: []\n", "a pixi lock file"),
        ("conda-lock.yml", "version: 1\nmetadata:\n  channels: []\npackage: []\n", "a conda-lock lock file"),
        ("lock.yml", "version: 1\npackage: []\n", "a conda-lock lock file"),
        ("packages.txt", "# needs\npython=3.12\nbioconda::samtools >=1.20\nblas=*=*mkl\n", "a list of packages"),
        ("packages.txt", "numpy=1.26\n", "a list of packages"),
        ("requirements.txt", "numpy>=2\nflask\n", "a list of packages"),
        ("pixi.toml", '[workspace]\nchannels = ["conda-forge"]\n', "a pixi manifest"),
        ("pixi.toml", '[project]\nname = "x"\nplatforms = ["linux-64"]\n', "a pixi manifest"),
        ("pyproject.toml", "[tool.pixi.dependencies]\n", "a pixi manifest"),
        ("environment.yml", "# platform: linux-64\nzlib=1.2=h1_0\n", "a list of `conda list`"),
        ("env.json", '{"name": "x", "dependencies": ["a"]}', "an environment.yml"),
        ("spec.txt", "# platform: linux-64\nabsl-py=1.4=pypi_0\nzlib=1.2=h1_0\n", "a list of `conda list`"),
    ],
)
def test_kinds_that_are_read(name: str, text: str, kind: str) -> None:
    assert kind_of(InputFile.of(Path(name), text)).name == kind


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("pyproject.toml", "[project]\nname = 'x'\n", "a TOML file"),
        ("requirements.txt", "# needs\nnumpy>=2\nrequests[socks]==2.*; x\nflask\n-e .\n", "a requirement for pip"),
    ],
)
def test_kinds_that_are_refused_by_name(name: str, text: str, what: str) -> None:
    with pytest.raises(UnsupportedInput, match=what):
        read(Path(name), text)


@pytest.mark.parametrize("text", ["", "hello, world", "<html></html>", "{}"])
def test_what_is_none_of_these(text: str) -> None:
    with pytest.raises(InvalidEnvironment, match=r"neither an environment\.yml"):
        kind_of(InputFile.of(Path("file.txt"), text))


@pytest.mark.parametrize(
    ("folder", "what"),
    [
        ("pixi-lock", "a pixi lock file"),
        ("conda-lock", "a conda-lock lock file"),
        ("pixi-toml", "a pixi manifest"),
        ("pyproject-pixi", "a pixi manifest"),
        ("list-export", "a list of `conda list`"),
    ],
)
def test_real_files(folder: str, what: str) -> None:
    for path in real_files(folder):
        assert kind_of(InputFile.read(path)).name == what
