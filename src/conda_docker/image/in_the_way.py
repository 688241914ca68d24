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
    from conda_docker.image.base_system import BaseSystem
    from conda_docker.layers.facts import LayerFacts

_ELSEWHERE = "choose another folder with --prefix-in-image"


def check_prefix(prefix: str, system: BaseSystem) -> None:
    """Raise `UnsupportedFormat` where a base has a file in the way of an environment's folder, an absolute path."""
    real = system.real_path(prefix)[1:]
    if not real:
        raise UnsupportedFormat(f"{prefix} leads to / in the base image; {_ELSEWHERE}")
    for place in (real, *folders_of([real])):
        if place in system.files:
            raise UnsupportedFormat(
                f"the environment goes to {prefix}, but /{place} of the base image is no folder and leads to none; "
                f"{_ELSEWHERE}"
            )


def check_below(prefix: str, system: BaseSystem, facts: Iterable[LayerFacts]) -> None:
    """Raise `UnsupportedFormat` where a base has a file or a link at the path of a folder of the environment.

    `facts` are those of the environment's layers.

    >>> from conda_docker.image.base_system import BaseSystem
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
