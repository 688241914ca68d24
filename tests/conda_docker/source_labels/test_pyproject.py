"""Labels of a Python project."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.errors import InvalidEnvironment
from conda_docker.source_labels.pyproject import labels_from_pyproject
from python_docker.errors import NotFound

PREFIX = "org.opencontainers.image."
FULL = """
[project]
name = "app"
version = "1.2"
description = "An\\n example"
license = "BSD-3-Clause"
authors = [{ name = "A" }, { name = "B", email = "b@example.com" }, { email = "c@example.com" }]
[project.urls]
Homepage = "https://example.com"
"Source Code" = "https://me:secret@example.com/app"
Docs = "https://example.com/docs"
Funding = "https://example.com/money"
"""


def test_what_a_project_says_of_itself(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(FULL)
    (tmp_path / "src").mkdir()
    labels = {name.removeprefix(PREFIX): value for name, value in labels_from_pyproject(tmp_path / "src").items()}
    assert labels == {
        "title": "app",
        "version": "1.2",
        "description": "An example",
        "licenses": "BSD-3-Clause",
        "authors": "A, B <b@example.com>, c@example.com",
        "url": "https://example.com",
        "source": "https://example.com/app",
        "documentation": "https://example.com/docs",
    }


def test_what_it_does_not_say_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "app"\nlicense = {text = "…"}\ndynamic = ["version"]\n')
    assert labels_from_pyproject(tmp_path) == {f"{PREFIX}title": "app"}


def test_a_folder_without_a_project(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.x]\n")
    with pytest.raises(NotFound, match=r"no pyproject.toml in .* has a table \[project\]"):
        labels_from_pyproject(tmp_path)


def test_a_file_that_is_not_toml(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project\n")
    with pytest.raises(InvalidEnvironment, match="not valid TOML"):
        labels_from_pyproject(tmp_path)
