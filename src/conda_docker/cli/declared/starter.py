"""What `conda-docker init` writes: a declaration of a build from what is in a folder."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from conda_docker.environment.folder_name import folder_name
from conda_docker.environment.inputs.kind import InputFile
from conda_docker.environment.inputs.table import kind_of
from conda_docker.errors import EnvironmentNotFound, InvalidEnvironment

_CANDIDATES = (
    "conda-docker.lock",
    "pixi.lock",
    "conda-lock.yml",
    "pixi.toml",
    "pyproject.toml",
    "environment.yml",
    "environment.yaml",
)
"""Files that describe an environment, the most exact first."""


def starter(folder: Path) -> str:
    """Return the text of a conda-docker.toml for a folder.

    Named are the file that describes an environment most exactly, and the project in the folder, if it has one. Raises
    `EnvironmentNotFound` for a folder in which nothing describes an environment.
    """
    found = next(_environments(folder), None)
    has_project = _is_project(folder / "pyproject.toml")
    if found is None and not has_project:
        raise EnvironmentNotFound(
            f"nothing in {folder.absolute()} describes an environment: there is none of {', '.join(_CANDIDATES)}"
        )
    name = folder_name(folder.absolute().name) or "app"
    # Accents are left off, as `bake` does for the names of its images.
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    image = re.sub(r"[^a-z0-9]+", "-", letters.lower()).strip("-") or "app"
    lines = [
        "# What `conda-docker build` builds in this folder; each key is a long option of that command.",
        f"image = {json.dumps(f'{image}:latest')}",
        f'file = ["{found}"]' if found is not None else 'specs = ["python"]',
    ]
    if has_project:
        lines.append('project = ["."]')
    lines += ["load = true", ""]
    lines += ["# To push it instead: push = true, and a name with a registry, such as ghcr.io/org/app:1.0", ""]
    return "\n".join(lines)


def _environments(folder: Path) -> Iterator[str]:
    for name in _CANDIDATES:
        path = folder / name
        if not path.is_file():
            continue
        try:
            file = InputFile.read(path)
            kind_of(file)
        except InvalidEnvironment:
            continue
        if name == "pyproject.toml" and "[tool.pixi" not in file.text:
            continue
        yield name


def _is_project(path: Path) -> bool:
    try:
        text = InputFile.read(path).text
    except InvalidEnvironment:
        return False
    return re.search(r"^\[project\]", text, re.MULTILINE) is not None
