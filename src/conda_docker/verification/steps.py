"""What each layer of an image is, as its history says: the base's, packages, link scripts, an environment's own."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conda_docker.provenance.installed import InstalledEnvironment, InstalledPackage
from conda_docker.provenance.reading import (
    packages_of_layer,
    prefix_of_environment,
    prefix_of_link_scripts,
    read_environments,
)
from python_docker.errors import NotFound

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedEnvironment
    from python_docker.image import Image
    from python_docker.image.layer import Layer


@dataclass(frozen=True, slots=True)
class Step:
    """One layer, and what the image's history says of it.

    `position` counts from the bottom. `kind` is `base`, `packages`, `link scripts`, `environment` or `other`.
    """

    position: int
    layer: Layer
    kind: str
    packages: tuple[InstalledPackage, ...] = ()


@dataclass(slots=True)
class BuiltEnvironment:
    """An environment in an image, with its layers: `groups` of packages, bottom first, and its `own`.

    `created` is when it was built, in the form of RFC 3339; `scripts` is the layer of link scripts.
    """

    installed: InstalledEnvironment
    groups: list[Step] = field(default_factory=list)
    own: Step | None = None
    created: str | None = None
    scripts: Step | None = None

    def locked(self) -> LockedEnvironment:
        """Return the packages that the history names, exactly."""
        from conda_docker.environment.inputs.lock_files.explicit import parse_explicit

        return parse_explicit(self.installed.explicit(), "the image's history", subdir=self.installed.subdir)


def read_steps(image: Image) -> tuple[list[Step], list[BuiltEnvironment]]:
    """Return what the layers of an image are, bottom first, and the environments among them.

    Raises `NotFound` for an image that was not built by conda-docker.
    """
    installed = iter(read_environments(image))
    steps: list[Step] = []
    found: list[BuiltEnvironment] = []
    waiting: dict[str, list[Step]] = {}
    scripts: dict[str, Step] = {}
    for position, layer in enumerate(reversed(image.layers)):
        packages = packages_of_layer(layer)
        if packages:
            step = Step(position, layer, "packages", packages)
            waiting.setdefault(packages[0].prefix, []).append(step)
        elif (prefix := prefix_of_link_scripts(layer)) is not None:
            step = Step(position, layer, "link scripts")
            scripts[prefix] = step
        elif (prefix := prefix_of_environment(layer)) is not None:
            step = Step(position, layer, "environment")
            environment = next((one for one in installed if one.prefix == prefix), None)
            if environment is not None:
                created = layer.history[0].created
                groups = waiting.pop(prefix, [])
                found.append(BuiltEnvironment(environment, groups, step, created, scripts.pop(prefix, None)))
        else:
            step = Step(position, layer, "other")
        steps.append(step)
    return _with_base(steps), found


def wanted_positions(steps: Sequence[Step], packages: Collection[str]) -> set[int]:
    """Return the positions of the layers of packages to be made again. Raises `NotFound` for a name of none."""
    names = {name.lower() for name in packages}
    known = {package.name for step in steps for package in step.packages}
    if missing := sorted(names - known):
        raise NotFound(f"the image has no package {', '.join(missing)}; `conda-docker inspect --packages` lists them")
    return {
        step.position
        for step in steps
        if step.kind == "packages" and (not names or any(package.name in names for package in step.packages))
    }


def _with_base(steps: Sequence[Step]) -> list[Step]:
    """Return the steps with what lies below the first package as the base."""
    first = next((step.position for step in steps if step.kind != "other"), len(steps))
    return [
        Step(step.position, step.layer, "base") if step.position < first and step.kind == "other" else step
        for step in steps
    ]
