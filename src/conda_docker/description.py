"""What an image is to be made of, as a user describes it; `prepare` makes of it exact packages and a base image."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.environment import lock
from conda_docker.environment.inputs.kinds import FileKind, file_kind
from conda_docker.environment.subdirs import platform_of_subdir
from conda_docker.image.base import SCRATCH, glibc_of, open_base
from conda_docker.layers.cache import default_cache_dir
from conda_docker.user_files import read_text, user_path
from python_docker.progress import SILENT, Progress
from python_docker.spec.platform import Platform

if TYPE_CHECKING:
    from conda_docker.environment import LockedEnvironment
    from python_docker.http.options import RegistryOptions
    from python_docker.image import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """An environment and a base image.

    The environment is given by `specs`, by a `file` (environment.yml, to which `specs` may add, or an explicit list),
    or by the `name` or `prefix` of one that exists; see `conda_docker.environment.lock` for these and for what says
    how to solve. `base` is any place that images are read from, or `scratch`; `base_registry` says how to talk to its
    registry.
    """

    specs: Sequence[str] = ()
    file: str | os.PathLike[str] | None = None
    name: str | None = None
    prefix: str | os.PathLike[str] | None = None
    base: str = SCRATCH
    base_registry: RegistryOptions | None = None
    channels: Sequence[str] = ()
    override_channels: bool = False
    virtual: Sequence[str] = ()
    solver: str | os.PathLike[str] | None = None
    conda_exe: str | os.PathLike[str] | None = None


def prepare(
    description: Description,
    platform: Platform | None = None,
    *,
    cache_dir: Path | None = None,
    offline: bool = False,
    progress: Progress = SILENT,
) -> tuple[LockedEnvironment, Image | None]:
    """The exact packages, and the base image (None: from scratch), for `platform`.

    None is the platform of an environment that exists or of a list of exact packages, and otherwise Linux on this
    machine's processor. Packages are chosen for the C library of the base image. Raises what `lock` and `open_base`
    raise.

        environment, base = prepare(Description(specs=["python=3.12"], base="debian:stable-slim"))
    """
    cache_dir = cache_dir or default_cache_dir()

    def open_base_for(platform: Platform) -> Image | None:
        if description.base == SCRATCH:
            return None
        task = progress.start(f"base image {description.base}", None)
        base = open_base(description.base, platform, cache_dir, offline=offline, registry=description.base_registry)
        task.finish()
        return base

    if not _is_solved(description):
        environment = lock(
            description.specs,
            file=description.file,
            name=description.name,
            prefix=description.prefix,
            platform=platform,
            conda_exe=description.conda_exe,
        )
        return environment, open_base_for(platform or platform_of_subdir(environment.subdir))
    platform = platform or Platform.host()
    base = open_base_for(platform)
    glibc_is_told = any(text.lstrip("_").startswith("glibc=") for text in description.virtual)
    glibc = glibc_of(base, cache_dir) if base is not None and not glibc_is_told else None
    task = progress.start(f"solve for {platform}", None)
    environment = lock(
        description.specs,
        file=description.file,
        platform=platform,
        channels=description.channels,
        override_channels=description.override_channels,
        virtual=description.virtual,
        glibc=glibc,
        offline=offline,
        solver=description.solver,
        conda_exe=description.conda_exe,
    )
    task.finish()
    return environment, base


def _is_solved(description: Description) -> bool:
    """Whether the packages are still to be chosen, so that the base image has a say in it."""
    if description.name is not None or description.prefix is not None:
        return False
    if description.file is None:
        return True
    path = user_path(description.file)
    return file_kind(path, read_text(path)) is not FileKind.EXPLICIT
