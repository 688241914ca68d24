"""Environments of the server: files in a folder, by their names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from conda_docker.serve.errors import NameUnknown

_NAME = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_SUFFIXES = (".yml", ".yaml", ".lock", ".txt", ".toml")
_IN_FOLDERS = (
    "conda-docker.lock",
    "pixi.lock",
    "conda-lock.yml",
    "environment.yml",
    "environment.yaml",
    "pixi.toml",
    "pyproject.toml",
)
"""Files that describe the environment of a folder, exact packages before those that are still to be chosen."""


def environment_files(folder: Path | None) -> Iterator[tuple[str, Path]]:
    """Yield the names and files of all environments in a folder, sorted: `NAME.yml`, or `NAME/environment.yml`.

    Names are lower-case; what cannot be part of an image's name is passed over, and so is what a link leads out of the
    folder.
    """
    if folder is None:
        return
    root = folder.resolve()
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            name, file = path.name, next((path / each for each in _IN_FOLDERS if (path / each).is_file()), None)
        else:
            name, file = path.stem, path if path.suffix in _SUFFIXES else None
        if file is not None and _NAME.fullmatch(name.lower()) and file.resolve().is_relative_to(root):
            yield name.lower(), file


def find_environment(folder: Path | None, name: str) -> Path:
    """Return the file of an environment. Raises `NameUnknown`."""
    files = dict(reversed(list(environment_files(folder))))
    if name in files:
        return files[name]
    raise NameUnknown(f"this server has no environment {name!r}; its page lists those that you may use")
