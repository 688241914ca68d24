"""From what the user gave, whatever it is, to exact packages."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Literal, Protocol

from conda_docker.environment.locked import LockedEnvironment
from conda_docker.environment.subdirs import host_subdir, subdir_of_platform
from conda_docker.errors import InvalidEnvironment
from python_docker.spec.platform import Platform

if TYPE_CHECKING:
    from conda_docker.environment.inputs.environment_yml import EnvironmentYml
    from conda_docker.environment.solve.virtual_packages import VirtualPackage


def lock(
    specs: Sequence[str] = (),
    *,
    file: str | os.PathLike[str] | None = None,
    name: str | None = None,
    prefix: str | os.PathLike[str] | None = None,
    platform: Platform | None = None,
    channels: Sequence[str] = (),
    override_channels: bool = False,
    channel_priority: str | None = None,
    virtual: Sequence[str] = (),
    glibc: str | None = None,
    offline: bool = False,
    solver: str | os.PathLike[str] | None = None,
    conda_exe: str | os.PathLike[str] | None = None,
    pip_packages: Literal["refuse", "warn"] = "refuse",
) -> LockedEnvironment:
    """Return the exact packages of the environment that is described.

    One description is given: `specs`, a `file` (environment.yml, to which `specs` may add, or an explicit list), or
    the `name` or `prefix` of an environment that exists. `platform` is what the image is for; None: what the file or
    the environment is for, else Linux on this machine's processor.

    For what must be solved: `channels` come before the file's and these before the configuration's, which
    `override_channels` leaves out; `channel_priority` is "strict", "flexible" or "disabled"; `virtual` are virtual
    packages as `NAME=VERSION[=BUILD]`; `glibc` is the version in the base image, if it is known; `offline` uses what
    was downloaded before. `solver`, else `conda_exe`, is a conda, mamba or micromamba to solve with; without either
    rattler solves. `pip_packages` says what to do about an environment in which pip installed something.

    Raises `InvalidEnvironment`, `UnsupportedInput`, `Unsolvable`, `ChannelError`, `SolverFailed` and `CacheError`.

        environment = lock(["python=3.12", "numpy"], channels=["conda-forge"])
        environment = lock(file="environment.yml", platform=Platform.parse("linux/arm64"))
    """
    _check(specs, file, name, prefix)
    subdir = subdir_of_platform(platform) if platform is not None else None
    if name is not None or prefix is not None:
        return _existing(name, prefix, subdir, conda_exe, pip_packages)
    yml: EnvironmentYml | None = None
    if file is not None:
        from conda_docker.environment.inputs.kinds import FileKind, file_kind
        from conda_docker.user_files import read_text, user_path

        path = user_path(file)
        text = read_text(path)
        if file_kind(path, text) is FileKind.EXPLICIT:
            from conda_docker.environment.inputs.explicit import parse_explicit

            if specs:
                raise InvalidEnvironment(f"{path} lists exact packages; no others can be added to it ({specs[0]})")
            return parse_explicit(text, str(path), subdir=subdir, folder=path.parent)
        from conda_docker.environment.inputs.environment_yml import parse_environment_yml

        subdir = subdir or host_subdir()
        yml = parse_environment_yml(text, str(path), subdir=subdir)
        if not (yml.dependencies or specs):
            raise InvalidEnvironment(f"{path} asks for no packages: its `dependencies` are empty")
        specs = [*yml.dependencies, *specs]
        channels = [*channels, *yml.channels]
    from conda_docker.environment.solve.virtual_packages import virtual_packages

    subdir = subdir or host_subdir()
    environment = _solver(solver or conda_exe)(
        specs,
        subdir=subdir,
        channels=channels,
        override_channels=override_channels,
        channel_priority=channel_priority,
        virtual=virtual_packages(
            subdir, glibc=glibc, microarchitecture=_microarchitecture(platform), overrides=virtual
        ),
        offline=offline,
    )
    if yml is None:
        return environment
    return replace(environment, variables=yml.variables, name=yml.name, warnings=(*environment.warnings, *yml.warnings))


class _Solve(Protocol):
    def __call__(
        self,
        specs: Sequence[str],
        *,
        subdir: str,
        channels: Sequence[str],
        override_channels: bool,
        channel_priority: str | None,
        virtual: Sequence[VirtualPackage],
        offline: bool,
    ) -> LockedEnvironment: ...


def _solver(executable: str | os.PathLike[str] | None) -> _Solve:
    if executable is None:
        from conda_docker.environment.solve.rattler import solve

        return solve
    from conda_docker.environment.solve.external import solve_externally

    return partial(solve_externally, executable)


def _existing(
    name: str | None,
    prefix: str | os.PathLike[str] | None,
    subdir: str | None,
    conda_exe: str | os.PathLike[str] | None,
    pip_packages: Literal["refuse", "warn"],
) -> LockedEnvironment:
    from conda_docker.environment.inputs.prefix import read_prefix
    from conda_docker.user_files import user_path

    if prefix is not None:
        return read_prefix(user_path(prefix), subdir=subdir, pip_packages=pip_packages)
    from conda_docker.channels.configuration import read_conda_configuration
    from conda_docker.environment.inputs.prefix_names import find_prefix

    found = find_prefix(name or "", read_conda_configuration(conda_exe=conda_exe))
    return replace(read_prefix(found, subdir=subdir, pip_packages=pip_packages), name=name)


def _check(specs: Sequence[str], file: object, name: object, prefix: object) -> None:
    """Raise `InvalidEnvironment` unless one environment is described."""
    given = [what for what, value in (("a file", file), ("a name", name), ("a prefix", prefix)) if value is not None]
    if specs and (name is not None or prefix is not None):
        given.append("packages")
    if len(given) > 1:
        raise InvalidEnvironment(f"the environment is described in two ways, by {' and '.join(given)}; choose one")
    if isinstance(specs, str):
        raise TypeError("specs is a sequence of texts, not one text")
    if not given and not specs:
        raise InvalidEnvironment("no packages were asked for: give their names, a file, or an environment that exists")


def _microarchitecture(platform: Platform | None) -> str | None:
    """linux/amd64/v3 is what archspec calls x86_64_v3."""
    if platform is None or platform.architecture != "amd64" or platform.variant in (None, "v1"):
        return None
    return f"x86_64_{platform.variant}"
