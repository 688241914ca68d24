"""Planned: a target that is solved, with the layers that it waits for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conda_docker.baking.layers.making import Workshop
from conda_docker.baking.layers.works import LayerWork, machine_options
from conda_docker.baking.targets.target import Target
from conda_docker.errors import InterpreterNotFound

if TYPE_CHECKING:
    from conda_docker.build_options import BuildOptions
    from conda_docker.layers.stores.replaced import ReplacedImages
    from conda_docker.resolution.resolve import Resolved
    from python_docker.spec.digest import Digest


@dataclass(slots=True)
class Planned:
    """A target with what its images are made of, and the layers that are still awaited, by their keys.

    `replaced` are the images at its places, as a store of their layers.
    """

    target: Target
    resolved: tuple[Resolved, ...]
    works: list[LayerWork]
    inputs: str | None
    replaced: ReplacedImages | None = None
    awaited: set[str] = field(default_factory=set)
    sent: set[Digest] = field(default_factory=set)

    @property
    def streams(self) -> bool:
        """Whether layers leave as they are made, so that none need be here when the image is put together."""
        return all(place.transport == "docker" for place in self.target.outputs)


def compilable(works: Sequence[LayerWork], shop: Workshop) -> list[LayerWork]:
    """Return the layers of an environment by the recipe that a build comes to.

    Where there is no Python to compile modules with and a layer needs one, none of its layers has compiled modules.
    """
    if not any(work.interpreters is not None for work in works):
        return list(works)
    for work in works:
        if work.interpreters is None or work.recipe.bytecode is None or shop.has(work):
            continue
        try:
            shop.compilers.get(work.recipe.bytecode, work.interpreters)
        except InterpreterNotFound:
            return [each.without_bytecode() for each in works]
        return list(works)
    return list(works)


def by_machine(planned: Sequence[Planned]) -> list[tuple[BuildOptions, list[Planned]]]:
    """Return targets together that use one cache and the same layer repositories."""
    groups: list[tuple[BuildOptions, list[Planned]]] = []
    for each in planned:
        options = machine_options(each.target.request.options)
        for known, group in groups:
            if known == options:
                group.append(each)
                break
        else:
            groups.append((options, [each]))
    return groups


def platform_name(resolved: Resolved) -> str:
    """Return the platform of an image, such as `linux/amd64`."""
    from conda_docker.environment.subdirs import platform_of_subdir

    base = resolved.base
    return str(platform_of_subdir(resolved.environment.subdir) if base is None else base.platform)
