"""Folders of packages that pip installed in place."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.environment.installed_prefix import InstalledDistribution, InstalledPrefix
from conda_docker.errors import InvalidEnvironment
from conda_docker.prefix.editable import editable_sources


def installed(root: Path, *folders: Path | None) -> InstalledPrefix:
    root.mkdir(exist_ok=True)
    distributions = tuple(
        InstalledDistribution(name=f"app{number}", version="1", metadata="x", editable=folder)
        for number, folder in enumerate(folders)
    )
    return InstalledPrefix(root=root, given=root, distributions=distributions)


def project(folder: Path, mark: str = "pyproject.toml") -> Path:
    folder.mkdir(parents=True)
    (folder / mark).touch()
    return folder


@pytest.mark.parametrize("mark", ["pyproject.toml", "setup.py", "setup.cfg"])
def test_a_folder_of_sources_has_a_place_in_the_image(mark: str, tmp_path: Path) -> None:
    [found] = editable_sources(installed(tmp_path / "env", project(tmp_path / "app", mark), None))
    assert (found.name, found.folder, found.place) == ("app0", tmp_path / "app", "src/app0")


def test_a_place_that_is_taken_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "env/src/app0").mkdir(parents=True)
    (tmp_path / "env/src/app0-editable").mkdir()
    [found] = editable_sources(installed(tmp_path / "env", project(tmp_path / "app")))
    assert found.place == "src/app0-editable-editable"


def test_sources_in_the_prefix_go_with_it(tmp_path: Path) -> None:
    assert editable_sources(installed(tmp_path / "env", project(tmp_path / "env/src/app"))) == ()


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(InvalidEnvironment, match=r"app0 is installed in place, and its folder .* is gone"):
        editable_sources(installed(tmp_path / "env", tmp_path / "gone"))


def test_a_folder_that_is_more_than_one_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "all").mkdir()
    with pytest.raises(InvalidEnvironment, match="not the folder of one package"):
        editable_sources(installed(tmp_path / "env", tmp_path / "all"))
    monkeypatch.setenv("HOME", str(tmp_path / "home/me"))
    with pytest.raises(InvalidEnvironment, match="or your home is in it"):
        editable_sources(installed(tmp_path / "env", project(tmp_path / "home")))
