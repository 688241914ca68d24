"""conda and mamba, and the files that configure them, are found where these programs look for them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conda_docker.channels.search_path import configuration_files, root_prefixes


def write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def make_root(path: Path) -> Path:
    """Make what looks like an installed conda, and return its executable."""
    (path / "conda-meta").mkdir(parents=True)
    executable = write(path / "bin" / "conda")
    executable.chmod(0o755)
    return executable


@pytest.mark.parametrize("name", [".condarc", ".mambarc", ".conda/condarc.d/x.yml", ".config/conda/.condarc"])
def test_places_in_the_home(home: Path, name: str) -> None:
    file = write(home / name)
    assert configuration_files(os.environ, ()) == (file,)


def test_files_that_variables_name(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own, of_prefix, named = (
        write(home / ".condarc"),
        write(tmp_path / "prefix/.condarc"),
        write(tmp_path / "mine.yml"),
    )
    monkeypatch.setenv("CONDARC", str(named))
    monkeypatch.setenv("CONDA_PREFIX", str(tmp_path / "prefix"))
    assert configuration_files(os.environ, ()) == (own, of_prefix, named)


def test_the_installation_of_conda_on_the_path(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executable = make_root(tmp_path / "miniforge")
    settings = write(tmp_path / "miniforge/.condarc")
    monkeypatch.setenv("PATH", str(executable.parent))
    roots = root_prefixes(os.environ)
    assert roots == (tmp_path / "miniforge",)
    assert configuration_files(os.environ, roots) == (settings,)


def test_the_conda_that_was_named_comes_first(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDA_EXE", str(make_root(tmp_path / "one")))
    monkeypatch.setenv("MAMBA_ROOT_PREFIX", str(make_root(tmp_path / "three").parent.parent))
    found = root_prefixes(os.environ, make_root(tmp_path / "two"))
    assert found == (tmp_path / "two", tmp_path / "one", tmp_path / "three")


def test_an_installation_in_the_home_is_found(home: Path) -> None:
    make_root(home / "miniconda3")
    assert root_prefixes(os.environ) == (home / "miniconda3",)
