"""Which file declares builds."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.cli.declared.find import find_declaration, read_declaration
from conda_docker.errors import InvalidEnvironment


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))


def found(folder: Path) -> tuple[str, dict[str, object]] | None:
    declaration = find_declaration(folder)
    return None if declaration is None else (declaration.path.name, dict(declaration.table))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("conda-docker.toml", "trim = true\n"),
        ("pixi.toml", "[workspace]\nname = 'x'\n[tool.conda-docker]\ntrim = true\n"),
        ("pyproject.toml", "[project]\nname = 'x'\n[tool.conda-docker]\ntrim = true\n"),
    ],
)
def test_the_files(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert found(tmp_path) == (name, {"trim": True})


def test_a_file_further_up(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.conda-docker]\ntrim = true\n")
    below = tmp_path / "src/app"
    below.mkdir(parents=True)
    (below / "pyproject.toml").write_text("[project]\nname = 'no conda-docker'\n")
    assert found(below) == ("pyproject.toml", {"trim": True})


def test_a_repository_is_not_left(tmp_path: Path) -> None:
    (tmp_path / "conda-docker.toml").write_text("trim = true\n")
    (tmp_path / "repository/.git").mkdir(parents=True)
    assert found(tmp_path / "repository") is None


def test_the_home_folder_is_not_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "conda-docker.toml").write_text("trim = true\n")
    (tmp_path / "me").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert found(tmp_path / "me") is None


def test_files_of_other_users_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "conda-docker.toml").write_text("trim = true\n")
    owner = (tmp_path / "conda-docker.toml").stat().st_uid
    monkeypatch.setattr("os.geteuid", lambda: owner + 1)
    assert (found(tmp_path) is None) is (owner != 0)


@pytest.mark.parametrize("text", ["conda-docker = [", "[tool]\nconda-docker = 3\n"])
def test_what_cannot_be_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(InvalidEnvironment, match=r"pyproject\.toml"):
        read_declaration(tmp_path / "pyproject.toml")
