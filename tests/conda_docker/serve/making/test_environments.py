"""Environments of a server, as files in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.serve.errors import NameUnknown
from conda_docker.serve.making.environments import environment_files, find_environment


def test_files_and_folders(tmp_path: Path) -> None:
    for path in ("Analysis.yml", "plot/environment.yml", "plot/conda-docker.lock", "notes.md", "a b.yml", "empty/x"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()
    found = {name: path.name for name, path in environment_files(tmp_path)}
    assert found == {"analysis": "Analysis.yml", "plot": "conda-docker.lock"}
    assert find_environment(tmp_path, "analysis").name == "Analysis.yml"


def test_a_link_out_of_the_folder_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "envs").mkdir()
    (tmp_path / "secret.yml").touch()
    (tmp_path / "envs" / "secret.yml").symlink_to(tmp_path / "secret.yml")
    (tmp_path / "envs" / "up").symlink_to(tmp_path)
    assert not list(environment_files(tmp_path / "envs"))


def test_one_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "plot.yml").touch()
    with pytest.raises(NameUnknown, match="no environment 'analysis'"):
        find_environment(tmp_path, "analysis")
    with pytest.raises(NameUnknown, match="no environment"):
        find_environment(None, "analysis")
