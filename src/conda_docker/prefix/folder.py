"""A folder of this machine, walked: what may go into an image, and what never does."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from conda_docker.errors import InvalidEnvironment
from python_docker.errors import reason_of

_VERSION_CONTROL = frozenset({".bzr", ".git", ".hg", ".svn"})
_CACHES = frozenset({".mypy_cache", ".pytest_cache", ".ruff_cache", ".tox", ".nox", ".pixi", ".ipynb_checkpoints"})
_LITTER = frozenset({".DS_Store", ".conda_envs_dir_test", ".conda_lock", ".mamba_trash.txt", ".trash"})
# Installers mark a prefix as something that backups may leave out; an image's is the image.
_OF_PREFIXES = frozenset({"CACHEDIR.TAG"})
_LITTER_ENDS = (".c~", ".conda_trash", ".trash")


class Kind(Enum):
    """What a path is."""

    FILE = "file"
    LINK = "link"
    FOLDER = "folder"
    """An empty one: others follow from what is in them."""
    ENVIRONMENT = "environment"
    """A folder that is another environment, which is not looked into."""


class Found(NamedTuple):
    """A path relative to the folder, with slashes, and its status."""

    path: str
    kind: Kind
    status: os.stat_result


def walk(root: Path, skip: Callable[[str], bool]) -> Iterator[Found]:
    """Yield all files, links, empty folders and other environments below `root`; links are not followed.

    They are sorted in each folder. A folder with `conda-meta` or `pyvenv.cfg` is another environment. Left out are
    sockets and devices, what `skip` says of a folder's path, and what installers leave behind. Raises
    `InvalidEnvironment` for a folder that cannot be read.
    """
    todo = [""]
    while todo:
        folder = todo.pop()
        below = []
        try:
            with os.scandir(root / folder if folder else root) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
            names = {entry.name for entry in entries}
            if folder and ("conda-meta" in names or "pyvenv.cfg" in names):
                yield Found(folder, Kind.ENVIRONMENT, os.lstat(root / folder))
                continue
            for entry in entries:
                path = f"{folder}/{entry.name}" if folder else entry.name
                if entry.name in _LITTER or entry.name.endswith(_LITTER_ENDS):
                    continue
                if not folder and entry.name in _OF_PREFIXES:
                    continue
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    if not skip(path):
                        below.append(path)
                elif stat.S_ISREG(status.st_mode):
                    yield Found(path, Kind.FILE, status)
                elif stat.S_ISLNK(status.st_mode):
                    yield Found(path, Kind.LINK, status)
            if folder and not entries:
                yield Found(folder, Kind.FOLDER, os.lstat(root / folder))
        except OSError as error:
            raise InvalidEnvironment(
                f"cannot read {error.filename or root / folder}: {reason_of(error)}; make it readable, or leave "
                "it out with --exclude"
            ) from error
        todo += reversed(below)


def is_development(path: str) -> bool:
    """Return whether a folder in a folder of sources belongs to tools: version control, caches.

    >>> is_development(".git"), is_development("src/pkg/__pycache__"), is_development("src/pkg")
    (True, True, False)
    """
    name = path.rpartition("/")[2]
    return name in _VERSION_CONTROL or name in _CACHES or name == "__pycache__"
