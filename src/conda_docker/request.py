"""Request: all that is asked for in one build, checked once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.arguments.values import (
    Conversion,
    convert_fields,
    to_choice,
    to_flag,
    to_optional_choice,
    to_optional_number,
    to_path,
    to_paths,
    to_text,
    to_texts,
)
from conda_docker.build_options import BuildOptions
from conda_docker.environment.inputs.pip_installed import Editable, PipPackages
from conda_docker.environment.subdirs import parse_platform, subdir_of_platform
from conda_docker.errors import InvalidEnvironment
from conda_docker.policy.rules import Policy
from python_docker.spec.platform import Platform

if TYPE_CHECKING:
    from python_docker.registry.access.options import RegistryOptions


class ChannelPriority(StrEnum):
    """Whether packages of a channel with a lower priority are considered, as conda's setting has it."""

    STRICT = "strict"
    FLEXIBLE = "flexible"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One environment, the base image that it goes on, and the options of the build.

    The environment is described in one way: by `specs`, by `files` (which `specs` may add to, unless they list exact
    packages), or by the `name` or `prefix` of one that exists on this machine. `environment` names one of several in a
    pixi workspace, `categories` choose among those of a conda-lock file.

    `platforms` are what images are for; without any, it is the platform of an environment that exists or of a list of
    exact packages, and otherwise Linux on this machine's processor. A subdir such as `linux-64` names a platform too.
    `base` is any place that images are read from, or `scratch`; None: that of a lock file, else `debian:stable-slim`.
    `base_registry` says how to talk to its registry.

    What must be solved is solved with `channels` in front of the files' and these in front of the configuration's,
    which `override_channels` leaves out; `virtual_packages` are `NAME=VERSION[=BUILD]`, over what the base image and
    the variables `CONDA_OVERRIDE_*` say. `solver`, else `conda_exe`, is a conda, mamba or micromamba to solve with;
    without either rattler solves, in `solve_seconds` at most. uv may take as long again for wheels.

    Of an environment on this machine all of it goes into the image: `only_packages` leaves out files that are no
    package's, or are not as the package has them. `editable` says what becomes of packages that pip installed in place.

    `projects` are folders with a pyproject.toml, each built into a wheel that goes on top of everything else.

    uv chooses wheels for what is asked of pip. `allow_sdist` lets it build those that there are none of, which runs
    code of these packages; `pip_may_replace` lets a wheel replace what a conda package brings in another version.

    `policy` are rules that the packages must obey, whoever chose them.

    Raises `InvalidEnvironment` unless one environment is described, `InvalidPlatform` and `UnsupportedInput` for
    platforms without conda packages, and `TypeError` or `ValueError`, with the name of the field, for other values.

    >>> Request(specs="numpy", platforms="linux-64").platforms
    (Platform(os='linux', architecture='amd64', variant=None),)
    """

    specs: Sequence[str] = ()
    files: tuple[Path, ...] = ()
    name: str | None = None
    prefix: Path | None = None
    environment: str | None = None
    categories: Sequence[str] = ()
    platforms: tuple[Platform, ...] = ()
    base: str | None = None
    base_registry: RegistryOptions | None = None
    channels: Sequence[str] = ()
    override_channels: bool = False
    channel_priority: ChannelPriority | None = None
    virtual_packages: Sequence[str] = ()
    solver: str | None = None
    solve_seconds: int | None = None
    conda_exe: str | None = None
    pip_packages: PipPackages = PipPackages.INSTALL
    projects: tuple[Path, ...] = ()
    editable: Editable = Editable.COPY
    only_packages: bool = False
    allow_sdist: bool = False
    pip_may_replace: bool = False
    policy: Policy = field(default_factory=Policy)
    options: BuildOptions = field(default_factory=BuildOptions)

    def __post_init__(self) -> None:
        convert_fields(self, _CONVERSIONS)
        if self.solve_seconds is not None and self.solve_seconds < 1:
            raise ValueError(f"solve_seconds must be at least 1, not {self.solve_seconds}")
        if self.base is not None and (not isinstance(self.base, str) or not self.base):
            raise TypeError(f"base must be the name of an image, or 'scratch', not {self.base!r}")
        if self.base_registry is not None:
            from python_docker.registry.access.options import RegistryOptions

            if not isinstance(self.base_registry, RegistryOptions):
                raise TypeError(f"base_registry must be RegistryOptions, not {type(self.base_registry).__name__}")
        if not isinstance(self.policy, Policy):
            raise TypeError(f"policy must be Policy, not {type(self.policy).__name__}")
        if not isinstance(self.options, BuildOptions):
            raise TypeError(f"options must be BuildOptions, not {type(self.options).__name__}")
        self._check_one_environment()

    def _check_one_environment(self) -> None:
        ways = {
            "packages": self.specs,
            "a file": self.files,
            "a name": self.name is not None,
            "a prefix": self.prefix is not None,
        }
        used = [way for way, given in ways.items() if given]
        if not used:
            raise InvalidEnvironment(
                "no environment was described: give packages, a file, or the name or prefix of an environment"
            )
        if len(used) > 1 and used != ["packages", "a file"]:
            named = f"{', '.join(used[:-1])} and {used[-1]}"
            raise InvalidEnvironment(
                f"{named} are mutually exclusive: each describes an environment, so give one of them"
            )


def to_platforms(name: str, value: object) -> tuple[Platform, ...]:
    """Return platforms, each once: given as such, by name, or as subdirs; `linux/amd64,linux/arm64` is two."""
    items = value if isinstance(value, Iterable) and not isinstance(value, str) else (value,)
    platforms: list[Platform] = []
    for item in items:
        if isinstance(item, Platform):
            subdir_of_platform(item)
            platforms.append(item)
        elif isinstance(item, str):
            platforms += [parse_platform(name) for name in item.split(",") if name.strip()]
        elif item is not None:
            raise TypeError(f"{name} must be a name such as 'linux/amd64'; got {type(item).__name__}: {item!r}")
    return tuple(dict.fromkeys(platforms))


def to_one_platform(name: str, value: object) -> tuple[Platform, ...]:
    """Return a platform in any form that `to_platforms` takes, or none. Raises `ValueError` for several."""
    platforms = to_platforms(name, value)
    if len(platforms) > 1:
        raise ValueError(f"{name} must be one platform, not {', '.join(map(str, platforms))}")
    return platforms


_CONVERSIONS: Mapping[str, Conversion] = {
    "specs": to_texts,
    "files": to_paths,
    "name": to_text,
    "prefix": to_path,
    "environment": to_text,
    "categories": to_texts,
    "platforms": to_platforms,
    "channels": to_texts,
    "override_channels": to_flag,
    "channel_priority": partial(to_optional_choice, kind=ChannelPriority),
    "virtual_packages": to_texts,
    "solver": to_text,
    "solve_seconds": to_optional_number,
    "conda_exe": to_text,
    "pip_packages": partial(to_choice, kind=PipPackages),
    "projects": to_paths,
    "editable": partial(to_choice, kind=Editable),
    "only_packages": to_flag,
    "allow_sdist": to_flag,
    "pip_may_replace": to_flag,
}
