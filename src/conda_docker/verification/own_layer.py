"""own_layer: the small layer that makes packages an environment, from what an image's history says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.image.assemble import shell_of
from conda_docker.image.base.reading import read_base_system
from conda_docker.image.base.system import BaseSystem
from conda_docker.image.content.environment_layer import environment_layer
from conda_docker.image.runtime.activation import activate
from conda_docker.image.runtime.users import container_user
from python_docker.errors import Error
from python_docker.image import Image

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedEnvironment
    from conda_docker.image.build_record import BuildRecord
    from conda_docker.layers.recipe import Recipe
    from conda_docker.verification.steps import BuiltEnvironment, Step
    from python_docker.image.layer import Layer
    from python_docker.spec.platform import Platform

_SCRIPTS = "etc/conda/activate.d/"


def own_layer(
    built: BuiltEnvironment,
    environment: LockedEnvironment,
    recipe: Recipe,
    record: BuildRecord,
    lower: Sequence[Layer],
    activation_scripts: Mapping[int, Sequence[str]],
    *,
    platform: Platform,
    cache_dir: Path,
) -> Layer:
    """Return the environment's own layer, made again; `lower` are the layers below it, bottom first.

    The base's are read for its users and its shell. `activation_scripts` are those in layers of packages, by their
    positions; the layers that are not there are read for them. Raises `Error` where the history
    does not say when the layer was made, and what reading layers raises.
    """
    first = min((step.position for step in built.groups), default=len(lower))
    base = Image(layers=list(reversed(lower[:first])), platform=platform) if first else None
    system = BaseSystem()
    if base is not None:
        system = read_base_system(base, cache_dir, accounts=record.user is not None)
    root = recipe.prefix_in_image.root
    scripts = [path for step in built.groups for path in _known_scripts(step, activation_scripts, root)]
    shell = shell_of(environment, system, recipe.prefix)
    activation = activate(
        record.activate,
        recipe.prefix,
        base_variables={},
        package_variables={},
        environment_variables=environment.variables,
        scripts=[*scripts, *environment.script_files],
        shell=shell,
    )
    try:
        if record.activated:
            activation = activation.with_record(record.activated, recipe.prefix, shell)
    except (AttributeError, TypeError, ValueError) as error:
        raise Error(f"the history does not say what activation sets: {error}") from None
    user = None
    if record.user is not None and system.problem is None:
        user = container_user(record.user, system, name=record.user_name, home=record.home)
    below = None if base is None else system
    return environment_layer(environment, recipe, activation, user, below, seconds(built.created), frozen=record.frozen)


def _known_scripts(step: Step, known: Mapping[int, Sequence[str]], root: str) -> Sequence[str]:
    return known[step.position] if step.position in known else _scripts(step.layer, root)


def _scripts(layer: Layer, root: str) -> list[str]:
    start = f"{root}/{_SCRIPTS}"
    return [path for path in layer.list_files() if path.startswith(start) and path.endswith(".sh")]


def seconds(created: str | None) -> int:
    """Return a time of the history in seconds since 1970. Raises `Error` for what cannot be read."""
    try:
        return int(datetime.fromisoformat((created or "").replace("Z", "+00:00")).astimezone(UTC).timestamp())
    except ValueError:
        raise Error(f"the history has no time that can be read: {created!r}") from None
