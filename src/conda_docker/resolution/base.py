"""The base image that a request comes to, and what packages are chosen for: what is known of the system in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.build_options import SCRATCH
from conda_docker.environment.locked import LockedBase, LockedEnvironment
from conda_docker.environment.subdirs import subdir_of_platform
from conda_docker.resolution.system import check_system, needed_glibc
from python_docker.progress import Progress
from python_docker.spec.platform import Platform

if TYPE_CHECKING:
    from conda_docker.environment.spec import EnvironmentSpec
    from conda_docker.environment.virtual_packages import VirtualPackage
    from conda_docker.request import Request
    from python_docker.image import Image


def open_base_of(
    request: Request,
    name: str,
    platform: Platform,
    locked: LockedBase | None,
    progress: Progress,
    opened: Callable[[Image], object] | None,
) -> Image | None:
    """Return the base image, the very one that was `locked` unless the request names another; None for `scratch`.

    `opened` is called with it as soon as it is known. Raises what `conda_docker.image.base.opening.open_base` raises.
    """
    if name == SCRATCH:
        return None
    from conda_docker.image.base.opening import open_base

    task = progress.start(f"base image {name}", None)
    pinned = None if request.base is not None or locked is None else locked.digest
    base = open_base(
        name,
        platform,
        cache_dir_of(request),
        offline=request.options.offline,
        registry=request.base_registry,
        digest=pinned,
    )
    task.finish()
    if opened is not None and base is not None:
        opened(base)
    return base


def check_base(
    request: Request, environment: LockedEnvironment, base: Image | None, base_name: str
) -> LockedEnvironment:
    """Return exact packages with warnings about the system that they need.

    Raises `InvalidEnvironment` where the base is too old for them.
    """
    glibc = None if needed_glibc(environment) is None else glibc_for(request, base)
    warnings = check_system(environment, glibc=glibc, base=base_name)
    return replace(environment, warnings=(*environment.warnings, *warnings))


def assumed_packages(
    request: Request, spec: EnvironmentSpec, platform: Platform, base: Image | None
) -> tuple[VirtualPackage, ...]:
    """Return what the solver may take for granted of the system in the image."""
    from conda_docker.environment.virtual_packages import given_version, virtual_packages
    from conda_docker.image.runtime.gpu import cuda_of_base

    given = given_version("glibc", (*spec.virtual_packages, *request.virtual_packages))
    return virtual_packages(
        subdir_of_platform(platform),
        glibc=None if base is None or given is not None else _glibc_of(base, request),
        cuda=None if base is None else cuda_of_base(base.config.environment),
        microarchitecture=_microarchitecture(platform),
        base=None if base is None else base.config.environment,
        declared=spec.virtual_packages,
        overrides=request.virtual_packages,
    )


def glibc_for(request: Request, base: Image | None) -> str | None:
    """Return the glibc of the image: as the request says, else the base's; None where it is not known."""
    from conda_docker.environment.virtual_packages import given_version

    given = given_version("glibc", request.virtual_packages)
    if given is not None:
        return given or None
    return None if base is None else _glibc_of(base, request)


def _glibc_of(base: Image, request: Request) -> str | None:
    from conda_docker.image.base.reading import read_base_system

    return read_base_system(base, cache_dir_of(request)).glibc


def cache_dir_of(request: Request) -> Path:
    """Return the cache folder that a request names, else the user's."""
    from conda_docker.cache.location import default_cache_dir

    return request.options.cache_dir or default_cache_dir()


def _microarchitecture(platform: Platform) -> str | None:
    """linux/amd64/v3 is what archspec calls x86_64_v3."""
    if platform.architecture != "amd64" or platform.variant in (None, "v1"):
        return None
    return f"x86_64_{platform.variant}"
