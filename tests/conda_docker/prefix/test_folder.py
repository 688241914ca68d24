"""What is found in a folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conda_docker.errors import InvalidEnvironment
from conda_docker.prefix.folder import Kind, is_development, walk


def found(root: Path) -> dict[str, Kind]:
    return {each.path: each.kind for each in walk(root, is_development)}


def test_files_links_and_empty_folders(tmp_path: Path) -> None:
    (tmp_path / "full/empty").mkdir(parents=True)
    (tmp_path / "full/file").touch()
    (tmp_path / "link").symlink_to("full")
    os.mkfifo(tmp_path / "pipe")
    assert found(tmp_path) == {"full/empty": Kind.FOLDER, "full/file": Kind.FILE, "link": Kind.LINK}


def test_other_environments_are_no_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "conda-meta").mkdir()
    (tmp_path / "envs/other/conda-meta").mkdir(parents=True)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/pyvenv.cfg").touch()
    assert found(tmp_path) == {
        "conda-meta": Kind.FOLDER,
        ".venv": Kind.ENVIRONMENT,
        "envs/other": Kind.ENVIRONMENT,
    }


def test_what_tools_leave_behind(tmp_path: Path) -> None:
    for path in (".git/config", "a/__pycache__/x.pyc", ".DS_Store", "x.c~", "CACHEDIR.TAG", "a/CACHEDIR.TAG"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    assert found(tmp_path) == {"a/CACHEDIR.TAG": Kind.FILE}


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(InvalidEnvironment, match=r"cannot read .*make it readable, or leave it out with --exclude"):
        found(tmp_path / "gone")
