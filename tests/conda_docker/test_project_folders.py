"""Which folders around the working one are searched for a project's files, and whose these may be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conda_docker.project_folders import is_ours, project_folders


def test_the_root_of_a_repository_is_the_last(tmp_path: Path) -> None:
    (tmp_path / "repository/.git").mkdir(parents=True)
    start = tmp_path / "repository/src/app"
    assert list(project_folders(start)) == [start, start.parent, tmp_path / "repository"]


def test_the_home_folder_is_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert list(project_folders(tmp_path / "app")) == [tmp_path / "app", tmp_path]


@pytest.mark.skipif(os.name != "posix", reason="files have owners on POSIX systems alone")
def test_what_belongs_to_this_user_or_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_ours(tmp_path)
    assert is_ours(Path("/"))
    monkeypatch.setattr("os.geteuid", lambda: tmp_path.stat().st_uid + 1)
    assert is_ours(tmp_path) is (tmp_path.stat().st_uid == 0)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give files to other users")
def test_a_link_of_another_user_is_theirs_wherever_it_leads(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/")
    assert is_ours(tmp_path / "link")
    os.chown(tmp_path / "link", 65534, 65534, follow_symlinks=False)
    assert not is_ours(tmp_path / "link")
