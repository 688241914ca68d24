"""Resolving: from what is asked for to exact packages and a base image, for each platform."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conda_docker.build_options import DEFAULT_BASE, SCRATCH
from conda_docker.environment.locked import LockedEnvironment
from conda_docker.environment.subdirs import platform_of_subdir, subdir_of_platform
from conda_docker.errors import InvalidSpec, Unsolvable
from conda_docker.request import Request
from conda_docker.resolution.base import assumed_packages, check_base, open_base_of
from conda_docker.resolution.choose import choose_packages, question_of, read_indexes
from conda_docker.resolution.complete import complete
from conda_docker.resolution.describe import describe, place_of, places_of, read_files
from conda_docker.user_files import check_streams
from python_docker.argument_types import check_callable, check_method, check_optional, check_type
from python_docker.errors import noted
from python_docker.progress import SILENT, Progress
from python_docker.spec.platform import Platform

if TYPE_CHECKING:
    from conda_docker.environment.inputs.kind import InputFile
    from conda_docker.environment.packages.wheels import PipRequirements
    from conda_docker.environment.spec import EnvironmentSpec
    from conda_docker.environment.virtual_packages import VirtualPackage
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
    build_projects: bool = True,
    preferred: Mapping[str, LockedEnvironment] | None = None,
    progress: Progress = SILENT,
    opened: Callable[[Image], object] | None = None,
) -> tuple[Resolved, ...]:
    """Return what an image is made of, for each platform of the request in its order, and one where it has none.

    Each file is read once. Where packages must still be chosen, they are chosen for the C library of the base image.
    Without `download` no package is downloaded to learn what it brings to pip. Without `build_projects` the request's
    projects are left out, and what they need is there. `preferred` are packages that are kept where what is asked for
    allows it, by subdirs. `opened` is called with each base image as soon as it is known: its layers need not wait for
    the packages to be chosen.

    Raises `InvalidEnvironment`, `UnsupportedInput`, `Unsolvable`, `ChannelError`, `SolverFailed`, `CacheError`, and
    what `open_base` raises.

        [resolved] = resolve(Request(specs=["python=3.12"], base="debian:stable-slim"))
        image = build_image(resolved.environment, resolved.base).image
    """
    check_type("request", request, Request)
    check_type("download", download, bool)
    check_type("build_projects", build_projects, bool)
    check_optional("preferred", preferred, Mapping)
    check_method("progress", progress, "start")
    check_callable("opened", opened)
    check_streams(request.files)
    files = read_files(request.files)
    platforms = request.platforms or (None,)
    from conda_docker.image.base.opening import one_base

    try:
        resolving = _Resolving(request, files, download, build_projects, preferred or {}, progress, opened)
        with one_base():
            return tuple(map(resolving.resolve, platforms))
    except InvalidSpec as error:
        place = place_of(error.spec, files)
        if place is None:
            raise
        raise InvalidSpec(f"{place}: {error}", error.spec, str(place)) from error


@dataclass(slots=True, eq=False)
class _Resolving:
    """What the platforms of one request have in common."""

    request: Request
    files: Sequence[InputFile]
    download: bool
    build_projects: bool
    preferred: Mapping[str, LockedEnvironment]
    progress: Progress
    opened: Callable[[Image], object] | None

    def resolve(self, platform: Platform | None) -> Resolved:
        """Return what an image for a platform is made of; None: that of what is described."""
        described = describe(self.request, self.files, None if platform is None else subdir_of_platform(platform))
        with noted(described.warnings):
            if isinstance(described, LockedEnvironment):
                return self._locked(described, platform)
            return self._solved(described, platform)

    def _locked(self, described: LockedEnvironment, platform: Platform | None) -> Resolved:
        """Return exact packages with their base image, and wheels for what they leave to pip."""
        request = self.request
        platform = platform or platform_of_subdir(described.subdir)
        base_name = request.base or (DEFAULT_BASE if described.base is None else described.base.name)
        base = open_base_of(request, base_name, platform, described.base, self.progress, self.opened)
        checked = check_base(request, described, base, base_name)
        environment = complete(request, checked, base, self.download, self.progress, build_projects=self.build_projects)
        return Resolved(environment, base, described.virtual_packages, described.pip, base_name)

    def _solved(self, described: EnvironmentSpec, platform: Platform | None) -> Resolved:
        """Return packages that are chosen for the system in the base image."""
        request = self.request
        if platform is None:
            platform = Platform.host() if described.subdir is None else platform_of_subdir(described.subdir)
        base_name = request.base or DEFAULT_BASE
        kept = self.preferred.get(subdir_of_platform(platform))
        question = question_of(request, described, platform, kept)
        # Which packages fit is known when the base's C library is, and where they are needs no such knowledge.
        indexes = None if base_name == SCRATCH else read_indexes(question, request)
        with indexes or nullcontext():
            base = open_base_of(request, base_name, platform, None, self.progress, self.opened)
            assumed = assumed_packages(request, described, platform, base)
            try:
                chosen = choose_packages(request, described, question, assumed, indexes, self.progress)
            except Unsolvable as error:
                places = places_of(described.specs, self.files, str(error))
                if not places:
                    raise
                raise Unsolvable("\n  ".join([f"{error}\nasked for in:", *places])) from error
        solved = check_base(request, chosen, base, base_name)
        if kept is not None and solved.pip is not None:
            versions = tuple(f"{wheel.name}=={wheel.version}" for wheel in kept.wheels)
            solved = replace(solved, pip=replace(solved.pip, constraints=(*solved.pip.constraints, *versions)))
        environment = complete(request, solved, base, self.download, self.progress, build_projects=self.build_projects)
        return Resolved(environment, base, assumed, solved.pip, base_name)
