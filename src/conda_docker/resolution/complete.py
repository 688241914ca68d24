"""What is added to exact conda packages: wheels, the user's own projects, and the judgement of a policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conda_docker.resolution.base import cache_dir_of, glibc_for
from conda_docker.resolution.describe import lacks_python, project_folders
from python_docker.progress import Progress

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedEnvironment
    from conda_docker.request import Request
    from python_docker.image import Image


def complete(
    request: Request,
    environment: LockedEnvironment,
    base: Image | None,
    download: bool,
    progress: Progress,
    *,
    build_projects: bool = True,
) -> LockedEnvironment:
    """Return exact conda packages with all wheels; without `build_projects`, with all but those of the projects.

    The policy is for what others made, not for the user's projects. Raises `PolicyViolated`, and `InvalidEnvironment`,
    `UnsupportedInput` and `Unsolvable` for wheels that cannot be had. Without `download` no package is downloaded to
    learn what it brings to pip.
    """
    environment = _with_wheels(request, environment, base, download, progress, build_projects)
    environment = _allowed(request, environment, download, progress)
    return _with_projects(request, environment, base, download, progress) if build_projects else environment


def _allowed(request: Request, environment: LockedEnvironment, download: bool, progress: Progress) -> LockedEnvironment:
    """Return an environment that obeys the request's policy. Raises `PolicyViolated` for one that does not."""
    if not request.policy:
        return environment
    from conda_docker.policy.check import check_policy

    return check_policy(
        environment,
        request.policy,
        cache_dir_of(request),
        offline=request.options.offline,
        download=download,
        progress=progress,
    )


def _with_wheels(
    request: Request,
    environment: LockedEnvironment,
    base: Image | None,
    download: bool,
    progress: Progress,
    build_projects: bool,
) -> LockedEnvironment:
    """Return the environment with what it wants of pip, or has of it, as exact wheels."""
    if environment.installed is not None and environment.installed.distributions:
        from conda_docker.pypi.reinstall import reinstall

        return reinstall(
            environment,
            cache_dir=cache_dir_of(request),
            glibc=glibc_for(request, base),
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
        cache_dir=cache_dir_of(request),
        # Wheels that a lock file lists are chosen already.
        glibc=glibc_for(request, base) if environment.pip is not None or request.allow_sdist else None,
        options=PipOptions(
            allow_sdist=request.allow_sdist,
            projects=project_folders(request),
            build_projects=build_projects,
            may_replace=request.pip_may_replace,
            exclude_newer=request.policy.exclude_newer,
            seconds=request.solve_seconds,
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
        cache_dir=cache_dir_of(request),
        glibc=glibc_for(request, base),
        offline=request.options.offline,
        download=download,
        progress=progress,
    )
