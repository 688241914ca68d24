"""What an input asks for and leaves to a solver; several inputs are merged into one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING

from conda_docker.errors import InvalidEnvironment

if TYPE_CHECKING:
    from conda_docker.environment.activation_script import ActivationScript
    from conda_docker.environment.packages.wheels import PipRequirements


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentSpec:
    """An environment whose packages are still to be chosen."""

    specs: tuple[str, ...]
    """Match specs."""
    solved_with: tuple[str, ...] = ()
    """Match specs of other environments that share their versions with this one: solved for, and not installed."""
    constraints: tuple[str, ...] = ()
    """Match specs that hold for packages which others bring in."""
    channels: tuple[str, ...] = ()
    """Names or URLs, the first with the highest priority; `nodefaults` among them leaves out the user's own."""
    override_channels: bool = False
    """Whether the channels of the user's configuration are left out."""
    channel_priority: str | None = None
    """ "strict", "flexible" or "disabled"; None where the input says nothing."""
    strategy: str | None = None
    """ "lowest" or "lowest-direct" versions; None: the highest."""
    exclude_newer: datetime | None = None
    """Packages that were built later do not count."""
    virtual_packages: tuple[str, ...] = ()
    """What the input takes for granted of the system, as `NAME=VERSION[=BUILD]`."""
    subdir: str | None = None
    """The subdir that the input is for, where it names one, such as "linux-64"."""
    pip: PipRequirements | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    scripts: tuple[ActivationScript, ...] = ()
    """The project's own scripts that activation sources, in their order."""
    name: str | None = None
    warnings: tuple[str, ...] = ()


def merge_specs(parts: Sequence[EnvironmentSpec]) -> EnvironmentSpec:
    """Return one environment of several, as `conda env update` makes it.

    Channels come in the order of `parts`, each once; of a variable the last value counts; the name is the first that
    there is. Raises `InvalidEnvironment` for inputs that are for different platforms.

    >>> merge_specs([EnvironmentSpec(specs=("a",), name="x"), EnvironmentSpec(specs=("b",), channels=("c",))]).specs
    ('a', 'b')
    """
    return EnvironmentSpec(
        specs=tuple(dict.fromkeys(chain.from_iterable(part.specs for part in parts))),
        solved_with=tuple(dict.fromkeys(chain.from_iterable(part.solved_with for part in parts))),
        constraints=tuple(dict.fromkeys(chain.from_iterable(part.constraints for part in parts))),
        channels=tuple(dict.fromkeys(chain.from_iterable(part.channels for part in parts))),
        override_channels=any(part.override_channels for part in parts),
        channel_priority=next((part.channel_priority for part in parts if part.channel_priority), None),
        strategy=next((part.strategy for part in parts if part.strategy), None),
        exclude_newer=min((part.exclude_newer for part in parts if part.exclude_newer is not None), default=None),
        virtual_packages=tuple(chain.from_iterable(part.virtual_packages for part in parts)),
        subdir=_merge_subdirs([part.subdir for part in parts if part.subdir is not None]),
        pip=_merge_pip([part.pip for part in parts if part.pip is not None]),
        variables={name: value for part in parts for name, value in part.variables.items()},
        scripts=tuple(chain.from_iterable(part.scripts for part in parts)),
        name=next((part.name for part in parts if part.name), None),
        warnings=tuple(dict.fromkeys(chain.from_iterable(part.warnings for part in parts))),
    )


def _merge_subdirs(subdirs: Sequence[str]) -> str | None:
    if len(set(subdirs)) > 1:
        raise InvalidEnvironment(f"the files are for different platforms: {', '.join(dict.fromkeys(subdirs))}")
    return subdirs[0] if subdirs else None


def _merge_pip(parts: Sequence[PipRequirements]) -> PipRequirements | None:
    """Return all requirements in one. Their paths are absolute, so that it does not matter whose folder is kept."""
    if not parts:
        return None
    from conda_docker.environment.packages.wheels import PipRequirements

    return PipRequirements(
        requirements=tuple(dict.fromkeys(chain.from_iterable(part.requirements for part in parts))),
        constraints=tuple(dict.fromkeys(chain.from_iterable(part.constraints for part in parts))),
        options=tuple(dict.fromkeys(chain.from_iterable(part.options for part in parts))),
        folder=parts[0].folder,
        origin=", ".join(dict.fromkeys(part.origin for part in parts)),
        places={line: place for part in reversed(parts) for line, place in part.places.items()},
        overrides=tuple(dict.fromkeys(chain.from_iterable(part.overrides for part in parts))),
        indexes={name: url for part in reversed(parts) for name, url in part.indexes.items()},
        index_strategy=next((part.index_strategy for part in parts if part.index_strategy), None),
    )
