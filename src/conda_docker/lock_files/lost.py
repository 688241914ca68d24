"""lost_note: what the lock files of other programs have no place for, and images built from them therefore lack."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedEnvironment


def lost_note(file: str, environments: Sequence[LockedEnvironment], options: Iterable[str]) -> str | None:
    """Return what a pixi.lock or conda-lock.yml called `file` does not keep, None where nothing is lost.

    `options` are the long names of those that were given and that images depend on, without dashes.

    >>> print(lost_note("pixi.lock", [], ["base"]))
    pixi.lock has no place for --base: images built from it alone lack that; give it again, or lock to conda-docker.lock
    """
    lost = [*_of_environments(environments), *(f"--{option}" for option in options)]
    if not lost:
        return None
    return (
        f"{file} has no place for {', '.join(lost)}: images built from it alone lack that; give it again, or lock to "
        "conda-docker.lock"
    )


def _of_environments(environments: Sequence[LockedEnvironment]) -> Iterable[str]:
    variables = sorted({name for environment in environments for name in environment.variables})
    if variables:
        yield f"variables ({', '.join(variables)})"
    if any(environment.scripts for environment in environments):
        yield "activation scripts"
    if any(wheel.requested for environment in environments for wheel in environment.wheels):
        yield "which wheels were asked for (a file in their layers says so)"
