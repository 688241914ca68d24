"""Packages that pip installed in place: the folders that their modules are in, and where these go in the image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.errors import InvalidEnvironment
from python_docker.files.home import home_folder

if TYPE_CHECKING:
    from conda_docker.environment.installed_prefix import InstalledPrefix

_MARKS = ("pyproject.toml", "setup.py", "setup.cfg")


@dataclass(frozen=True, slots=True)
class Source:
    """A folder of sources outside of the prefix, and its place in the image, relative to the prefix there.

    `given` is how the installer named it.
    """

    name: str
    folder: Path
    given: Path
    place: str


def editable_sources(installed: InstalledPrefix) -> tuple[Source, ...]:
    """Return the folders of packages that are installed in place, unless they are in the prefix itself.

    They go where pip puts what it checks out for that: `src/NAME`. Raises `InvalidEnvironment` for a folder that is
    gone, or that no package is in: all of it would go into the image.
    """
    found = []
    for each in installed.distributions:
        if each.editable is None:
            continue
        folder = each.editable.resolve()
        if folder.is_relative_to(installed.root):
            continue
        if not folder.is_dir():
            raise InvalidEnvironment(
                f"{each.name} is installed in place, and its folder {each.editable} is gone; install it again, or "
                "remove it with pip"
            )
        home = home_folder()
        if home.is_relative_to(folder) or not any((folder / mark).is_file() for mark in _MARKS):
            raise InvalidEnvironment(
                f"{each.name} is installed in place from {each.editable}, which is not the folder of one package: it "
                f"has no {' or '.join(_MARKS[:2])}, or your home is in it"
            )
        found.append(Source(each.name, folder, each.editable, _free_place(installed.root, each.name)))
    return tuple(found)


def _free_place(root: Path, name: str) -> str:
    place = f"src/{name}"
    while (root / place).exists():
        place += "-editable"
    return place
