"""What `conda-docker init` writes."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from conda_docker.cli.declared.starter import starter
from conda_docker.errors import InvalidEnvironment

ENVIRONMENT = "dependencies: [python]\n"
PROJECT = "[project]\nname = 'app'\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "My App"
    folder.mkdir()
    return folder


def written(folder: Path, **files: str) -> dict[str, object]:
    for name, text in files.items():
        (folder / name.replace("__", "-").replace("_", ".")).write_text(text)
    return tomllib.loads(starter(folder))


def test_an_environment(folder: Path) -> None:
    found = written(folder, environment_yml=ENVIRONMENT)
    assert found == {"image": "my-app:latest", "file": ["environment.yml"], "load": True}


def test_a_folder_with_accents(tmp_path: Path) -> None:
    folder = tmp_path / "\u00dc b c"
    folder.mkdir()
    assert written(folder, environment_yml=ENVIRONMENT)["image"] == "u-b-c:latest"


def test_a_lock_file_is_more_exact(folder: Path) -> None:
    found = written(folder, environment_yml=ENVIRONMENT, conda__lock_yml="version: 1\nmetadata: {}\npackage: []\n")
    assert found["file"] == ["conda-lock.yml"]


def test_a_project(folder: Path) -> None:
    found = written(folder, environment_yml=ENVIRONMENT, pyproject_toml=PROJECT)
    assert (found["file"], found["project"]) == (["environment.yml"], ["."])


def test_a_project_alone(folder: Path) -> None:
    found = written(folder, pyproject_toml=PROJECT)
    assert (found["specs"], found["project"]) == (["python"], ["."])


def test_nothing(folder: Path) -> None:
    with pytest.raises(InvalidEnvironment, match=r"there is none of conda-docker\.lock, .*environment\.yml"):
        written(folder)
