"""What of a base image is in the way of an environment: files and links where it has folders.

A layer with a folder replaces whatever else is at its path, and nobody would hear of it. A `COPY` of a Dockerfile ends
there with an error ("cannot copy to non-directory"), and so does a build.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from conda_docker.layers.clobbers import folders_of
from conda_docker.layers.facts import path_hash
from python_docker.errors import UnsupportedFormat

if TYPE_CHECKING:
    from conda_docker.image.base.system import BaseSystem
    from conda_docker.layers.facts import LayerFacts

_ELSEWHERE = "choose another folder with --prefix-in-image"


def check_prefix(prefix: str, system: BaseSystem) -> None:
    """Raise `UnsupportedFormat` where a base has a file in the way of an environment's folder, an absolute path."""
    if system.real_path(prefix) == "/":
        raise UnsupportedFormat(f"{prefix} leads to / in the base image; {_ELSEWHERE}")
    _check_folder(prefix, system, f"the environment goes to {prefix}", _ELSEWHERE)


def check_home(home: str, system: BaseSystem) -> None:
    """Raise `UnsupportedFormat` where a base has a file in the way of a new user's home folder, an absolute path."""
    _check_folder(home, system, f"the home folder of the user is {home}", "choose another with --home")


def _check_folder(path: str, system: BaseSystem, said: str, hint: str) -> None:
    real = system.real_path(path)[1:]
    for place in (real, *folders_of([real])):
        if place in system.files:
            raise UnsupportedFormat(f"{said}, but /{place} of the base image is no folder and leads to none; {hint}")


def check_below(prefix: str, system: BaseSystem, facts: Iterable[LayerFacts]) -> None:
    """Raise `UnsupportedFormat` where a base has a file or a link at the path of a folder of the environment.

    `facts` are those of the environment's layers.

    >>> from conda_docker.image.base.system import BaseSystem
    >>> check_below("/opt/conda", BaseSystem(links={"opt/conda/bin": "usr/bin"}), [])
    """
    real = f"{system.real_path(prefix)[1:]}/"
    found = {
        **dict.fromkeys(system.files, "is a file"),
        **{path: f"is a link to /{target}" for path, target in system.links.items()},
    }
    below = {path_hash(path[len(real) :]): path for path in found if path.startswith(real)}
    if not below:
        return
    for layer in facts:
        hashed = min(below.keys() & layer.folders, key=below.__getitem__, default=None)
        if hashed is not None:
            path = below[hashed]
            raise UnsupportedFormat(
                f"/{path} {found[path]} in the base image and a folder in the environment, which would replace it; "
                f"{_ELSEWHERE}"
            )
