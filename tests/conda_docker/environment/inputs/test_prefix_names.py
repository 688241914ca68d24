"""Environments are found by their names as conda, mamba and pixi find them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conda_docker.channels.configuration import read_conda_configuration
from conda_docker.environment.inputs.prefix_names import find_prefix
from conda_docker.errors import EnvironmentNotFound, InvalidEnvironment


def make(folder: Path) -> Path:
    (folder / "conda-meta").mkdir(parents=True)
    return folder


def find(name: str) -> Path:
    return find_prefix(name, read_conda_configuration())


def test_in_the_installation_of_conda(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "root")
    monkeypatch.setenv("CONDA_EXE", str(tmp_path / "root/bin/conda"))
    expected = make(tmp_path / "root/envs/mine")
    assert find("mine") == expected


def test_in_the_configured_folders_first(home: Path, tmp_path: Path) -> None:
    make(home / ".conda/envs/mine")
    expected = make(tmp_path / "elsewhere/mine")
    (home / ".condarc").write_text(f"envs_dirs: [{tmp_path / 'elsewhere'}]")
    assert find("mine") == expected


def test_in_the_home(home: Path) -> None:
    assert find(make(home / ".conda/envs/mine").name) == home / ".conda/envs/mine"


def test_of_mamba(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAMBA_ROOT_PREFIX", str(tmp_path / "mamba"))
    assert find(make(tmp_path / "mamba/envs/mine").name) == tmp_path / "mamba/envs/mine"


def test_of_the_pixi_project_around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = make(tmp_path / "project/.pixi/envs/default")
    (tmp_path / "project/src").mkdir()
    monkeypatch.chdir(tmp_path / "project/src")
    assert find("default") == expected


def test_a_repository_is_not_left_for_a_pixi_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / ".pixi/envs/default")
    (tmp_path / "repository/.git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "repository")
    with pytest.raises(EnvironmentNotFound, match="no environment called 'default'"):
        find("default")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give files to other users")
def test_a_pixi_project_of_another_user_is_passed_over(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody may put one into /tmp, above the folders that others work in."""
    theirs = make(tmp_path / "shared/.pixi/envs/mine")
    os.chown(tmp_path / "shared/.pixi", 65534, 65534)
    (tmp_path / "shared/work").mkdir()
    monkeypatch.chdir(tmp_path / "shared/work")
    with pytest.raises(EnvironmentNotFound, match=f"{theirs} belongs to another user.*--prefix {theirs}"):
        find("mine")
    assert find(make(home / ".pixi/envs/mine").name) == home / ".pixi/envs/mine"


def test_of_pixi_global(home: Path) -> None:
    assert find(make(home / ".pixi/envs/mine").name) == home / ".pixi/envs/mine"


def test_listed_by_conda(home: Path, tmp_path: Path) -> None:
    expected = make(tmp_path / "anywhere/mine")
    (home / ".conda").mkdir()
    (home / ".conda/environments.txt").write_text(f"{tmp_path / 'gone/mine'}\n{expected}\n{expected}\n")
    assert find("mine") == expected


def test_two_of_one_name(home: Path, tmp_path: Path) -> None:
    paths = [make(tmp_path / place / "mine") for place in ("a", "b")]
    (home / ".conda").mkdir()
    (home / ".conda/environments.txt").write_text("".join(f"{path}\n" for path in paths))
    with pytest.raises(InvalidEnvironment, match="several environments are called 'mine'"):
        find("mine")


def test_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidEnvironment, match="no conda was found"):
        find("base")
    monkeypatch.setenv("MAMBA_ROOT_PREFIX", str(make(tmp_path / "root")))
    assert find("base") == find("root") == tmp_path / "root"


def test_a_folder_that_is_no_environment_is_passed_over(home: Path) -> None:
    (home / ".conda/envs/mine").mkdir(parents=True)
    assert find(make(home / ".pixi/envs/mine").name) == home / ".pixi/envs/mine"


def test_none_of_this_name(home: Path) -> None:
    make(home / ".conda/envs/one")
    make(home / ".conda/envs/two")
    with pytest.raises(InvalidEnvironment, match="no environment called 'three'; there are one, two"):
        find("three")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/a", "a\\b"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(InvalidEnvironment, match="not the name of an environment"):
        find(name)
