"""Kinds of files are told apart, and those that cannot be read yet are refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.environment.inputs.kinds import FileKind, file_kind
from conda_docker.errors import InvalidEnvironment, UnsupportedInput
from conda_docker.user_files import read_text
from tests.conda_docker.environment.real_files import real_files


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("environment.yml", "dependencies: [a]", FileKind.ENVIRONMENT_YML),
        ("env.yaml", "", FileKind.ENVIRONMENT_YML),
        ("environment", "name: x\ndependencies:\n  - a\n", FileKind.ENVIRONMENT_YML),
        ("conda-linux-64.lock", "# platform: linux-64\n@EXPLICIT\nhttps://host/a\n", FileKind.EXPLICIT),
        ("x.yml", "@EXPLICIT\n", FileKind.EXPLICIT),
    ],
)
def test_kinds_that_are_read(name: str, text: str, kind: FileKind) -> None:
    assert file_kind(Path(name), text) is kind


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("pixi.lock", "version: 6\nenvironments:\n  default: {}\npackages: []\n", "a pixi lock file"),
        ("lock.yml", "version: 6\nenvironments:\n  default: {}\npackages: []\n", "a pixi lock file"),
        ("conda-lock.yml", "version: 1\nmetadata:\n  channels: []\npackage: []\n", "a conda-lock lock file"),
        ("pixi.toml", '[workspace]\nchannels = ["conda-forge"]\n', "a pixi manifest"),
        ("pixi.toml", '[project]\nname = "x"\nplatforms = ["linux-64"]\n', "a pixi manifest"),
        ("pyproject.toml", "[tool.pixi.dependencies]\n", "a pixi manifest"),
        ("pyproject.toml", "[project]\nname = 'x'\n", "a TOML file"),
        ("spec.txt", "# platform: linux-64\nabsl-py=1.4.0=pypi_0\nzlib=1.2=h1_0\n", "conda list --export"),
        ("requirements.txt", "# needs\nnumpy>=2\nrequests[socks]==2.*\nflask\n-e .\n", "a list of requirements"),
    ],
)
def test_kinds_that_are_refused_by_name(name: str, text: str, what: str) -> None:
    with pytest.raises(UnsupportedInput, match=what):
        file_kind(Path(name), text)


@pytest.mark.parametrize("text", ["", "hello, world", "<html></html>", "{}"])
def test_what_is_none_of_these(text: str) -> None:
    with pytest.raises(InvalidEnvironment, match=r"neither an environment\.yml"):
        file_kind(Path("file.txt"), text)


@pytest.mark.parametrize(
    ("folder", "what"),
    [
        ("pixi-lock", "a pixi lock file"),
        ("conda-lock", "a conda-lock lock file"),
        ("pixi-toml", "a pixi manifest"),
        ("pyproject-pixi", "a pixi manifest"),
        ("list-export", "a list of `conda list --export`"),
    ],
)
def test_real_files(folder: str, what: str) -> None:
    for path in real_files(folder):
        text = read_text(path)
        if "bad_package" in path.name:  # damaged on purpose
            continue
        with pytest.raises(UnsupportedInput, match=what):
            file_kind(path, text)
