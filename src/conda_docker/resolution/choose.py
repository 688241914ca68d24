"""Conda packages, chosen by a solver for what a request describes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conda_docker.environment.packages.normal_spec import normal_specs
from conda_docker.environment.solve.closure import needed_by
from conda_docker.environment.subdirs import platform_of_subdir, subdir_of_platform
from conda_docker.redaction import public_text
from conda_docker.resolution.forbidden import check_forbidden
from python_docker.progress import Progress
from python_docker.spec.platform import Platform

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedEnvironment
    from conda_docker.environment.solve.repodata.read_ahead import ReadAhead
    from conda_docker.environment.solve.request import SolveRequest
    from conda_docker.environment.spec import EnvironmentSpec
    from conda_docker.environment.virtual_packages import VirtualPackage
    from conda_docker.request import Request


def question_of(
    request: Request, spec: EnvironmentSpec, platform: Platform, preferred: LockedEnvironment | None
) -> SolveRequest:
    """Return what a solver is asked, before it is known what it may take for granted of the system in the image.

    `preferred` are packages that are kept where what is asked for allows it. Raises `InvalidEnvironment`.
    """
    from conda_docker.environment.solve.request import SolveRequest

    return SolveRequest(
        specs=(*spec.specs, *spec.solved_with),
        subdir=subdir_of_platform(platform),
        virtual_packages=(),
        constraints=spec.constraints,
        strategy=spec.strategy,
        exclude_newer=min(filter(None, (spec.exclude_newer, request.policy.exclude_newer)), default=None),
        channels=spec.channels,
        override_channels=request.override_channels or spec.override_channels,
        channel_priority=request.channel_priority or spec.channel_priority,
        preferred=() if preferred is None else preferred.packages,
        offline=request.options.offline,
        seconds=request.solve_seconds,
    )


def read_indexes(question: SolveRequest, request: Request) -> ReadAhead | None:
    """Begin to read the indexes of channels, if rattler is to choose the packages: other programs have their own."""
    if request.solver or request.conda_exe:
        return None
    from conda_docker.environment.solve.repodata.read_ahead import ReadAhead

    return ReadAhead(question)


def choose_packages(
    request: Request,
    spec: EnvironmentSpec,
    question: SolveRequest,
    assumed: tuple[VirtualPackage, ...],
    indexes: ReadAhead | None,
    progress: Progress,
) -> LockedEnvironment:
    """Return the packages that a solver chooses, given what is `assumed` of the system in the image.

    `question` is what `question_of` gave, `indexes` what is read for it already. Raises `Unsolvable`, `InvalidSpec`,
    `ChannelError` and `SolverFailed`.
    """
    from conda_docker.environment.virtual_packages import given_version

    task = progress.start(f"solve for {platform_of_subdir(question.subdir)}", None)
    given = (*spec.virtual_packages, *request.virtual_packages)
    removed = frozenset({"__cuda"} if given_version("cuda", given) == "" else ())
    question = replace(question, virtual_packages=assumed, removed=removed)
    environment = _ask_solver(question, request.solver or request.conda_exe, indexes)
    check_forbidden(environment.packages, request.conda_exe)
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


def _ask_solver(question: SolveRequest, executable: str | None, indexes: ReadAhead | None) -> LockedEnvironment:
    if executable is None:
        from conda_docker.environment.solve.rattler import solve

        return solve(question, ahead=indexes)
    from conda_docker.environment.solve.external import solve_externally

    return solve_externally(executable, question)
