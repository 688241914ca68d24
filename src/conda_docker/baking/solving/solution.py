"""Solution: what a target is made of, as a value that a process that solves can hand to another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conda_docker.build_options import SCRATCH
from conda_docker.cache.location import default_cache_dir
from conda_docker.environment.locked import LockedEnvironment, LockedPackage
from conda_docker.environment.packages.wheels import PipRequirements
from conda_docker.environment.virtual_packages import VirtualPackage
from conda_docker.resolution.resolve import Resolved, resolve
from python_docker.progress import SILENT, Progress
from python_docker.spec.platform import Platform

if TYPE_CHECKING:
    from conda_docker.request import Request
    from python_docker.image import Image


@dataclass(frozen=True, slots=True)
class Solution:
    """What an image for one platform is made of, with its base by name and digest in place of the base itself."""

    environment: LockedEnvironment
    base: str
    base_digest: str | None
    base_platform: Platform | None
    virtual_packages: tuple[VirtualPackage, ...] = ()
    pip: PipRequirements | None = None


def solve(request: Request, *, download: bool = True, progress: Progress = SILENT) -> tuple[Solution, ...]:
    """Return what the image of a request is made of, for each platform. Raises what `resolve` raises."""
    from conda_docker.package.fetch.complete import complete_environment

    cache_dir = request.options.cache_dir or default_cache_dir()
    found = []
    for resolved in resolve(request, download=download, progress=progress):
        environment = complete_environment(
            resolved.environment,
            cache_dir,
            offline=request.options.offline,
            download=download,
            progress=progress,
        )
        base = resolved.base
        found.append(
            Solution(
                environment,
                resolved.base_name,
                None if base is None else str(base.manifest.digest),
                None if base is None else base.platform,
                resolved.virtual_packages,
                resolved.pip,
            )
        )
    return tuple(found)


def portable(request: Request) -> Request:
    """Return a request as another process of this machine can have it: without what only this one has open."""
    registry = request.base_registry
    if registry is not None:
        registry = registry.with_fields(places=None, environ=dict(registry.environ))
    return replace(request, base_registry=registry, options=replace(request.options, cache_from=(), cache_to=()))


def open_solution(solution: Solution, request: Request) -> Resolved:
    """Return a solution with its base open. Raises what `open_base` raises."""
    return Resolved(
        solution.environment,
        _base(solution, request),
        solution.virtual_packages,
        solution.pip,
        solution.base,
    )


def _base(solution: Solution, request: Request) -> Image | None:
    from conda_docker.image.base.opening import open_base
    from python_docker.transports import Location

    if solution.base == SCRATCH or solution.base_platform is None:
        return None
    in_registry = Location.parse(solution.base, default_transport="docker").transport == "docker"
    offline = request.options.offline
    return open_base(
        solution.base,
        solution.base_platform,
        request.options.cache_dir or default_cache_dir(),
        offline=offline,
        registry=request.base_registry,
        # Offline a base is known by the name that it was opened by.
        digest=solution.base_digest if in_registry and not offline else None,
    )


class Interned:
    """Equal packages as one object: of hundreds of environments most packages are the same."""

    def __init__(self) -> None:
        self._packages: dict[tuple[str, str | None], LockedPackage] = {}

    def solutions(self, solutions: Sequence[Solution]) -> tuple[Solution, ...]:
        """Return solutions whose packages are shared with those of all others that came here."""
        return tuple(replace(each, environment=self._environment(each.environment)) for each in solutions)

    def _environment(self, environment: LockedEnvironment) -> LockedEnvironment:
        return replace(environment, packages=tuple(map(self._one, environment.packages)))

    def _one(self, package: LockedPackage) -> LockedPackage:
        known = self._packages.setdefault((package.url, package.sha256), package)
        return known if known == package else package
