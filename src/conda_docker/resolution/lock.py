"""lock: the exact packages of an environment, for callers who want nothing but these."""

from __future__ import annotations

import os
from collections.abc import Sequence

from conda_docker.arguments.values import to_choice, to_optional_choice, to_path, to_paths, to_text
from conda_docker.build_options import SCRATCH, BuildOptions
from conda_docker.environment.inputs.pip_installed import Editable, PipPackages
from conda_docker.environment.locked import LockedEnvironment
from conda_docker.request import ChannelPriority, Request, to_one_platform
from conda_docker.resolution.resolve import resolve
from python_docker.spec.platform import Platform


def lock(
    specs: Sequence[str] = (),
    *,
    file: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
    name: str | None = None,
    prefix: str | os.PathLike[str] | None = None,
    environment: str | None = None,
    categories: Sequence[str] = (),
    platform: Platform | str | None = None,
    channels: Sequence[str] = (),
    override_channels: bool = False,
    channel_priority: str | None = None,
    virtual_packages: Sequence[str] = (),
    offline: bool = False,
    solver: str | os.PathLike[str] | None = None,
    conda_exe: str | os.PathLike[str] | None = None,
    pip_packages: str = PipPackages.INSTALL,
    editable: str = Editable.COPY,
    only_packages: bool = False,
    allow_sdist: bool = False,
    pip_may_replace: bool = False,
) -> LockedEnvironment:
    """Return the exact packages of the environment that is described, for one platform.

    The arguments are the fields of `Request`; `file` is one file or several. Without a base image, packages are chosen
    for glibc 2.28, which `virtual_packages=["__glibc=2.36"]` changes. `pip_packages` ("install", "refuse"
    or "warn") says what to do about an environment in which pip installed something.

    Raises `InvalidEnvironment`, `UnsupportedInput`, `Unsolvable`, `ChannelError`, `SolverFailed` and `CacheError`.

        environment = lock(["python=3.12", "numpy"], channels=["conda-forge"])
        environment = lock(file="environment.yml", platform="linux/arm64")
    """
    request = Request(
        specs=specs,
        files=to_paths("file", file),
        name=name,
        prefix=to_path("prefix", prefix),
        environment=environment,
        categories=categories,
        platforms=to_one_platform("platform", platform),
        base=SCRATCH,
        channels=channels,
        override_channels=override_channels,
        channel_priority=to_optional_choice("channel_priority", channel_priority, kind=ChannelPriority),
        virtual_packages=virtual_packages,
        solver=to_text("solver", solver),
        conda_exe=to_text("conda_exe", conda_exe),
        pip_packages=to_choice("pip_packages", pip_packages, kind=PipPackages),
        editable=to_choice("editable", editable, kind=Editable),
        only_packages=only_packages,
        allow_sdist=allow_sdist,
        pip_may_replace=pip_may_replace,
        options=BuildOptions(offline=offline),
    )
    [resolved] = resolve(request)
    return resolved.environment
