"""Where a project declares its builds: the nearest of three files, from the current folder upwards."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from conda_docker.arguments.toml_document import toml_document
from conda_docker.errors import InvalidEnvironment
from conda_docker.project_folders import is_ours, project_folders
from conda_docker.user_files import read_text

OWN_FILE = "conda-docker.toml"
_FILES = (OWN_FILE, "pixi.toml", "pyproject.toml")
"""In the order in which they count in one folder."""


class Declaration(NamedTuple):
    """What a file declares: `table` is its `[tool.conda-docker]`, or all of a conda-docker.toml."""

    path: Path
    table: Mapping[str, Any]

    @property
    def folder(self) -> Path:
        """What relative paths are relative to."""
        return self.path.parent


def find_declaration(start: Path | None = None) -> Declaration | None:
    """Return what is declared for the folder `start` (None: the current one), None where nothing is.

    Looked into are the folder and those above it, up to the root of a repository or the home folder. Files that belong
    to another user are passed over. Raises `InvalidEnvironment` for a file that is not TOML.
    """
    for folder in project_folders((start or Path.cwd()).absolute()):
        for name in _FILES:
            path = folder / name
            if path.is_file() and is_ours(path):
                table = read_declaration(path)
                if table is not None:
                    return Declaration(path, table)
    return None


def read_declaration(path: Path) -> Mapping[str, Any] | None:
    """Return what a file declares, None where it has no table for that. Raises `InvalidEnvironment`."""
    text = read_text(path)
    if path.name != OWN_FILE and "conda-docker" not in text:
        return None
    document = toml_document(text, str(path))
    if path.name == OWN_FILE:
        return document
    tool = document.get("tool")
    table = tool.get("conda-docker") if isinstance(tool, dict) else None
    if table is None or isinstance(table, dict):
        return table
    raise InvalidEnvironment(f"{path}: tool.conda-docker must be a table")
