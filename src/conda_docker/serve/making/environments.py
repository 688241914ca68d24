"""Environments of the server: files in a folder, by the names that `conda-docker bake` gives them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from conda_docker.baking.targets.environments import find_environments
from conda_docker.errors import EnvironmentNotFound
from conda_docker.serve.errors import NameUnknown

_NAME = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_SUFFIXES = (".yml", ".yaml", ".lock", ".txt", ".toml")
_PROJECT = "pyproject.toml"


def environment_files(folder: Path | None) -> Iterator[tuple[str, Path]]:
    """Yield the names and files of all environments in a folder, sorted, each name once.

    These are what `bake` makes of the folder (`find_environments`), and what somebody put there to be served and a bake
    would leave alone: lock files and lists with names of their own, and projects. What a link leads out of the folder
    is passed over.
    """
    if folder is None:
        return
    found: dict[str, Path] = {}
    try:
        for each in find_environments([folder]):
            found.setdefault(each.name, each.path)
    except EnvironmentNotFound:
        pass
    known = set(found.values())
    for name, path in _placed(folder):
        if path not in known:
            found.setdefault(name, path)
    root = folder.resolve()
    yield from sorted((name, path) for name, path in found.items() if path.resolve().is_relative_to(root))


def find_environment(folder: Path | None, name: str) -> Path:
    """Return the file of an environment; `rna_seq` is another name of `RNA_seq.yml`. Raises `NameUnknown`."""
    files = dict(environment_files(folder))
    if name in files:
        return files[name]
    if folder is not None:
        for other, path in _placed(folder):
            if other == name and path in files.values():
                return path
    raise NameUnknown(f"this server has no environment {name!r}; its page lists those that you may use")


def _placed(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files at the top of a folder and the projects in its folders, by their own names in lower case."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            name, file = path.name, path / _PROJECT
        else:
            name, file = path.stem, path
        if _NAME.fullmatch(name.lower()) and file.suffix in _SUFFIXES and file.is_file():
            yield name.lower(), file
