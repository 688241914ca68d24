"""Resolving: from what is asked for to exact packages and a base image, for each platform."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.arguments import to_choice, to_optional_choice, to_path, to_paths, to_text
from conda_docker.build_options import SCRATCH, BuildOptions
from conda_docker.describe import describe, lacks_python, place_of, places_of
from conda_docker.environment.closure import needed_by
from conda_docker.environment.inputs.kind import InputFile
from conda_docker.environment.inputs.prefix import Editable, PipPackages
from conda_docker.environment.locked import LockedBase, LockedEnvironment
from conda_docker.environment.normal_spec import normal_specs
from conda_docker.environment.spec import EnvironmentSpec
from conda_docker.environment.subdirs import platform_of_subdir, subdir_of_platform
from conda_docker.errors import InvalidSpec, Unsolvable
from conda_docker.redaction import public_text
from conda_docker.request import DEFAULT_BASE, ChannelPriority, Request, to_platforms
from conda_docker.user_files import check_streams
from python_docker.progress import SILENT, Progress
from python_docker.spec.platform import Platform

if TYPE_CHECKING:
    from conda_docker.environment.solve.request import SolveRequest
    from conda_docker.environment.virtual_packages import VirtualPackage
    from conda_docker.environment.wheels import PipRequirements
    from python_docker.image import Image


@dataclass(frozen=True, slots=True)
class Resolved:
    """An environment, exactly, and the base image that it goes on (None: from scratch).

    `virtual_packages` are what its packages were chosen for, or, of an environment whose packages were chosen before,
    what its description says of that. `pip` is what was asked of pip, for which uv has chosen wheels.
    """

    environment: LockedEnvironment
    base: Image | None
    virtual_packages: tuple[VirtualPackage, ...] = ()
    pip: PipRequirements | None = None
    base_name: str = SCRATCH
    """Where the base image is, or `scratch`."""


def resolve(
    request: Request,
    *,
    download: bool = True,
    preferred: Mapping[str, LockedEnvironment] | None = None,
    progress: Progress = SILENT,
    opened: Callable[[Image], object] | None = None,
) -> tuple[Resolved, ...]:
    """Return what an image is made of, for each platform of the request in its order, and one where it has none.

    Each file is read once. Where packages must still be chosen, they are chosen for the C library of the base image.
    Without `download` no package is downloaded to learn what it brings to pip. `preferred` are packages that are kept
    as far as what is asked for allows it, by subdirs. `opened` is called with each base image as soon as it is known:
    its layers need not wait for the packages to be chosen.

    Raises `InvalidEnvironment`, `UnsupportedInput`, `Unsolvable`, `ChannelError`, `SolverFailed`, `CacheError`, and
    what `open_base` raises.

        [resolved] = resolve(Request(specs=["python=3.12"], base="debian:stable-slim"))
        image = build_image(resolved.environment, resolved.base).image
    """
    check_streams(request.files)
    files = [InputFile.read(path) for path in request.files]
    platforms = request.platforms or (None,)
    try:
        return tuple(
            _resolve(request, files, platform, download, preferred or {}, progress, opened) for platform in platforms
        )
    except InvalidSpec as error:
        place = place_of(error.spec, files)
        if place is None:
            raise
        raise InvalidSpec(f"{place}: {error}", error.spec) from error


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
        platforms=to_platforms("platform", platform),
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
    if len(request.platforms) > 1:
        raise ValueError(f"platform must be one platform, not {', '.join(map(str, request.platforms))}")
    [resolved] = resolve(request)
    return resolved.environment


def _resolve(
    request: Request,
    files: Sequence[InputFile],
    platform: Platform | None,
    download: bool,
    preferred: Mapping[str, LockedEnvironment],
    progress: Progress,
    opened: Callable[[Image], object] | None,
) -> Resolved:
    described = describe(request, files, None if platform is None else subdir_of_platform(platform))
    if isinstance(described, LockedEnvironment):
        platform = platform or platform_of_subdir(described.subdir)
        base_name = request.base or (DEFAULT_BASE if described.base is None else described.base.name)
        base = _open_base(request, base_name, platform, described.base, progress, opened)
        environment = _completed(request, _checked(request, described, base, base_name), base, download, progress)
        return Resolved(environment, base, described.virtual_packages, described.pip, base_name)
    if platform is None:
        platform = Platform.host() if described.subdir is None else platform_of_subdir(described.subdir)
    base_name = request.base or DEFAULT_BASE
    base = _open_base(request, base_name, platform, None, progress, opened)
    assumed = _virtual_packages(request, described, platform, base)
    kept = preferred.get(subdir_of_platform(platform))
    try:
        chosen = _solve(request, described, platform, assumed, kept, progress)
    except Unsolvable as error:
        places = places_of(described.specs, files, str(error))
        if not places:
            raise
        raise Unsolvable("\n  ".join([f"{error}\nasked for in:", *places])) from error
    solved = _checked(request, chosen, base, base_name)
    if kept is not None and solved.pip is not None:
        versions = tuple(f"{wheel.name}=={wheel.version}" for wheel in kept.wheels)
        solved = replace(solved, pip=replace(solved.pip, constraints=(*solved.pip.constraints, *versions)))
    environment = _completed(request, solved, base, download, progress)
    return Resolved(environment, base, assumed, solved.pip, base_name)


def _completed(
    request: Request, environment: LockedEnvironment, base: Image | None, download: bool, progress: Progress
) -> LockedEnvironment:
    """Return exact conda packages with all wheels; the policy is for what others made, not for the user's projects."""
    environment = _with_wheels(request, environment, base, download, progress)
    environment = _allowed(request, environment, download, progress)
    return _with_projects(request, environment, base, download, progress)


def _allowed(request: Request, environment: LockedEnvironment, download: bool, progress: Progress) -> LockedEnvironment:
    """Return an environment that obeys the request's policy. Raises `PolicyViolated` for one that does not."""
    if not request.policy:
        return environment
    from conda_docker.policy.check import check_policy

    return check_policy(
        environment,
        request.policy,
        _cache_dir(request),
        offline=request.options.offline,
        download=download,
        progress=progress,
    )


def _checked(request: Request, environment: LockedEnvironment, base: Image | None, base_name: str) -> LockedEnvironment:
    """Return exact packages with warnings about the system that they need. Raises where the base is too old."""
    from conda_docker.environment.system import check_system, needed_glibc

    glibc = None if needed_glibc(environment) is None else _glibc_for(request, base)
    warnings = check_system(environment, glibc=glibc, base=base_name)
    return replace(environment, warnings=(*environment.warnings, *warnings))


def _open_base(
    request: Request,
    name: str,
    platform: Platform,
    locked: LockedBase | None,
    progress: Progress,
    opened: Callable[[Image], object] | None,
) -> Image | None:
    """Return the base image, the very one that was `locked` unless the request names another."""
    if name == SCRATCH:
        return None
    from conda_docker.image.base import open_base

    task = progress.start(f"base image {name}", None)
    pinned = None if request.base is not None or locked is None else locked.digest
    base = open_base(
        name,
        platform,
        _cache_dir(request),
        offline=request.options.offline,
        registry=request.base_registry,
        digest=pinned,
    )
    task.finish()
    if opened is not None and base is not None:
        opened(base)
    return base


def _virtual_packages(
    request: Request, spec: EnvironmentSpec, platform: Platform, base: Image | None
) -> tuple[VirtualPackage, ...]:
    """Return what the solver may take for granted of the system in the image."""
    from conda_docker.environment.virtual_packages import given_version, virtual_packages
    from conda_docker.image.gpu import cuda_of_base

    given = given_version("glibc", (*spec.virtual_packages, *request.virtual_packages))
    return virtual_packages(
        subdir_of_platform(platform),
        glibc=None if base is None or given is not None else _glibc_of(base, request),
        cuda=None if base is None else cuda_of_base(base.config.environment),
        microarchitecture=_microarchitecture(platform),
        declared=spec.virtual_packages,
        overrides=request.virtual_packages,
    )


def _solve(
    request: Request,
    spec: EnvironmentSpec,
    platform: Platform,
    assumed: tuple[VirtualPackage, ...],
    preferred: LockedEnvironment | None,
    progress: Progress,
) -> LockedEnvironment:
    from conda_docker.environment.solve.request import SolveRequest

    task = progress.start(f"solve for {platform}", None)
    question = SolveRequest(
        specs=(*spec.specs, *spec.solved_with),
        subdir=subdir_of_platform(platform),
        virtual_packages=assumed,
        constraints=spec.constraints,
        strategy=spec.strategy,
        exclude_newer=min(filter(None, (spec.exclude_newer, request.policy.exclude_newer)), default=None),
        channels=spec.channels,
        override_channels=request.override_channels or spec.override_channels,
        channel_priority=request.channel_priority or spec.channel_priority,
        preferred=() if preferred is None else preferred.packages,
        offline=request.options.offline,
    )
    environment = _ask_solver(question, request.solver or request.conda_exe)
    if spec.solved_with:
        wanted = set(normal_specs(public_text(text) for text in spec.specs))
        environment = replace(
            environment,
            packages=needed_by(environment.packages, wanted),
            requested=tuple(text for text in environment.requested if text in wanted),
        )
    task.finish()
    declared = {text.partition("=")[0] for text in spec.virtual_packages}
    return replace(
        environment,
        virtual_packages=tuple(package for package in assumed if package.name in declared),
        variables=spec.variables,
        scripts=spec.scripts,
        name=spec.name,
        warnings=(*environment.warnings, *spec.warnings),
        pip=spec.pip,
    )


def _glibc_for(request: Request, base: Image | None) -> str | None:
    """Return the glibc of the image: as the request says, else the base's; None where it is not known."""
    from conda_docker.environment.virtual_packages import given_version

    given = given_version("glibc", request.virtual_packages)
    if given is not None:
        return given or None
    return None if base is None else _glibc_of(base, request)


def _glibc_of(base: Image, request: Request) -> str | None:
    from conda_docker.image.base_system import read_base_system

    return read_base_system(base, _cache_dir(request)).glibc


def _ask_solver(question: SolveRequest, executable: str | None) -> LockedEnvironment:
    if executable is None:
        from conda_docker.environment.solve.rattler import solve

        return solve(question)
    from conda_docker.environment.solve.external import solve_externally

    return solve_externally(executable, question)


def _with_wheels(
    request: Request, environment: LockedEnvironment, base: Image | None, download: bool, progress: Progress
) -> LockedEnvironment:
    """Return the environment with what it wants of pip, or has of it, as exact wheels."""
    if environment.installed is not None and environment.installed.distributions:
        from conda_docker.pypi.reinstall import reinstall

        return reinstall(
            environment,
            cache_dir=_cache_dir(request),
            glibc=_glibc_for(request, base),
            allow_sdist=request.allow_sdist,
            offline=request.options.offline,
            download=download,
            progress=progress,
        )
    if environment.pip is None and not environment.wheels:
        return environment
    if environment.python is None:
        raise lacks_python(request)
    from conda_docker.pypi.resolve.resolution import PipOptions
    from conda_docker.pypi.resolve.resolve import resolve_wheels

    return resolve_wheels(
        environment,
        cache_dir=_cache_dir(request),
        # Wheels that a lock file lists are chosen already.
        glibc=_glibc_for(request, base) if environment.pip is not None or request.allow_sdist else None,
        options=PipOptions(
            allow_sdist=request.allow_sdist,
            may_replace=request.pip_may_replace,
            exclude_newer=request.policy.exclude_newer,
        ),
        offline=request.options.offline,
        download=download,
        progress=progress,
    )


def _with_projects(
    request: Request, environment: LockedEnvironment, base: Image | None, download: bool, progress: Progress
) -> LockedEnvironment:
    """Return the environment with the wheels of the user's own projects."""
    if not request.projects:
        return environment
    from conda_docker.pypi.project import with_projects

    return with_projects(
        environment,
        request.projects,
        cache_dir=_cache_dir(request),
        glibc=_glibc_for(request, base),
        offline=request.options.offline,
        download=download,
        progress=progress,
    )


def _cache_dir(request: Request) -> Path:
    from conda_docker.cache.location import default_cache_dir

    return request.options.cache_dir or default_cache_dir()


def _microarchitecture(platform: Platform) -> str | None:
    """linux/amd64/v3 is what archspec calls x86_64_v3."""
    if platform.architecture != "amd64" or platform.variant in (None, "v1"):
        return None
    return f"x86_64_{platform.variant}"
