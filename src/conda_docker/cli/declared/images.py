"""The images that a declaration names: common options, and for each image its own, which may extend another's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from conda_docker.arguments.spelling import did_you_mean
from conda_docker.cli.declared.find import Declaration
from conda_docker.errors import EnvironmentNotFound, InvalidEnvironment

IMAGES = "images"
EXTENDS = "extends"
MATRIX = "matrix"
NO_OPTIONS = (IMAGES, EXTENDS, MATRIX)
"""Keys of a declaration that are not options."""


def declared_images(declaration: Declaration) -> dict[str, Mapping[str, Any]]:
    """Return the options of each image by its name, in the order of the file; one without a name is called "".

    An image has the common options, over them those of the one that it extends, over them its own. A table of
    variables or labels is replaced as a whole. Raises `InvalidEnvironment` for a name that there is not, and for
    images that extend each other.
    """
    common = {key: value for key, value in declaration.table.items() if key != IMAGES}
    images = declaration.table.get(IMAGES)
    if images is None:
        return {"": common}
    if not isinstance(images, dict) or not all(isinstance(table, dict) for table in images.values()):
        raise InvalidEnvironment(f"{declaration.path}: images must hold a table for each image, as [images.NAME]")
    if not images:
        return {"": common}
    return {name: common | _extended(declaration, images, name, ()) for name in images}


def _extended(
    declaration: Declaration, images: Mapping[str, Mapping[str, Any]], name: str, seen: tuple[str, ...]
) -> dict[str, Any]:
    if name in seen:
        raise InvalidEnvironment(f"{declaration.path}: images extend each other: {' -> '.join((*seen, name))}")
    own = dict(images[name])
    base = own.pop(EXTENDS, None)
    if base is None:
        return own
    if not isinstance(base, str) or base not in images:
        hint = did_you_mean(str(base), images)
        raise InvalidEnvironment(f"{declaration.path}: images.{name} extends {base!r}, which is not declared{hint}")
    return _extended(declaration, images, base, (*seen, name)) | own


def chosen_images(declaration: Declaration, wanted: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Return those of the declared images that are `wanted`, all where none is. Raises `EnvironmentNotFound`."""
    images = declared_images(declaration)
    for name in wanted:
        if name not in images:
            known = ", ".join(filter(None, images))
            some = f"there are: {known}" if known else "it declares one, without a name"
            raise EnvironmentNotFound(
                f"{declaration.path} declares no image {name!r} ({some}){did_you_mean(name, images)}"
            )
    return {name: images[name] for name in (wanted or images)}
