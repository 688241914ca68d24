"""What each layer of an image is, as its history says: the base's, packages, link scripts, an environment's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conda_docker.image.provenance import (
    InstalledEnvironment,
    InstalledPackage,
    packages_of_layer,
    prefix_of_environment,
    prefix_of_link_scripts,
    read_environments,
)

if TYPE_CHECKING:
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

    `created` is when it was built, in the form of RFC 3339; `scripts` tells that link scripts have a layer.
    """

    installed: InstalledEnvironment
    groups: list[Step] = field(default_factory=list)
    own: Step | None = None
    created: str | None = None
    scripts: bool = False


def read_steps(image: Image) -> tuple[list[Step], list[BuiltEnvironment]]:
    """Return what the layers of an image are, bottom first, and the environments among them.

    Raises `NotFound` for an image that was not built by conda-docker.
    """
    installed = iter(read_environments(image))
    steps: list[Step] = []
    found: list[BuiltEnvironment] = []
    waiting: dict[str, list[Step]] = {}
    scripts: set[str] = set()
    for position, layer in enumerate(reversed(image.layers)):
        packages = packages_of_layer(layer)
        if packages:
            step = Step(position, layer, "packages", packages)
            waiting.setdefault(packages[0].prefix, []).append(step)
        elif (prefix := prefix_of_link_scripts(layer)) is not None:
            step = Step(position, layer, "link scripts")
            scripts.add(prefix)
        elif (prefix := prefix_of_environment(layer)) is not None:
            step = Step(position, layer, "environment")
            environment = next((one for one in installed if one.prefix == prefix), None)
            if environment is not None:
                created = layer.history[0].created
                groups = waiting.pop(prefix, [])
                found.append(BuiltEnvironment(environment, groups, step, created, prefix in scripts))
                scripts.discard(prefix)
        else:
            step = Step(position, layer, "other")
        steps.append(step)
    return _with_base(steps), found


def _with_base(steps: Sequence[Step]) -> list[Step]:
    """Return the steps with what lies below the first package as the base."""
    first = next((step.position for step in steps if step.kind != "other"), len(steps))
    return [
        Step(step.position, step.layer, "base") if step.position < first and step.kind == "other" else step
        for step in steps
    ]
