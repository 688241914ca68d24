"""What a request describes: exact packages, or an environment whose packages are still to be chosen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.environment.locked import LockedEnvironment
from conda_docker.environment.spec import EnvironmentSpec, merge_specs
from conda_docker.errors import InvalidEnvironment
from conda_docker.redaction import public_text
from conda_docker.resolution.forbidden import check_forbidden, check_forbidden_channels
from python_docker.errors import noted

if TYPE_CHECKING:
    from conda_docker.environment.inputs.kind import InputFile, InputKind
    from conda_docker.request import Request


_NAME = r"(?:[^\s:]+::?)*([\w.-]+)"
"""At the beginning of a match spec."""


def describe(request: Request, files: Sequence[InputFile], subdir: str | None) -> LockedEnvironment | EnvironmentSpec:
    """Return what the request's packages, its files or an environment on this machine come to, before any solve.

    `files` are those of the request, read; `subdir` is what the image is for, None where nobody said so. Raises
    `InvalidEnvironment` and `UnsupportedInput`, also for what is asked of pip and cannot be had.
    """
    described = _described(request, files, subdir)
    with noted(described.warnings):
        _check_whole(request, described)
    if isinstance(described, LockedEnvironment) and (unused := _of_solves(request)):
        asked = ", ".join(map(str, request.files)) or str(request.prefix or request.name)
        warning = f"the packages of {asked} are exact, so {unused} had no effect"
        return replace(described, warnings=(*described.warnings, warning))
    return described


def _of_solves(request: Request) -> str:
    """Return what a request says that only matters to a solver, in words; empty for nothing."""
    said = (
        (bool(request.channels), f"the channels that were given ({public_text(', '.join(request.channels))[:200]})"),
        (request.override_channels and not request.channels, "--override-channels"),
        (request.channel_priority is not None, "the channel priority"),
        (request.solver is not None, "the solver"),
    )
    return " and ".join(words for given, words in said if given)


def read_files(paths: Sequence[Path]) -> list[InputFile]:
    """Read the files of a request. Raises `InvalidEnvironment` for one that is missing, too large or not text."""
    if not paths:
        return []
    from conda_docker.environment.inputs.kind import InputFile

    return [InputFile.read(path) for path in paths]


def _described(request: Request, files: Sequence[InputFile], subdir: str | None) -> LockedEnvironment | EnvironmentSpec:
    if request.prefix is not None:
        return _read_prefix(request, request.prefix, subdir)
    if request.name is not None:
        from conda_docker.channels.configuration import read_conda_configuration
        from conda_docker.environment.folder_name import folder_name
        from conda_docker.environment.inputs.prefix_names import find_prefix

        found = find_prefix(request.name, read_conda_configuration(conda_exe=request.conda_exe))
        return replace(_read_prefix(request, found, subdir), name=folder_name(request.name))
    parts = [EnvironmentSpec(specs=tuple(request.specs), channels=tuple(request.channels))]
    alone = len(files) == 1 and not request.specs
    for file in files:
        read = _read_file(request, file, subdir, alone=alone)
        if isinstance(read, LockedEnvironment):
            check_forbidden(read.packages)
            check_forbidden_channels(read.packages)
            return read
        parts.append(read)
    return merge_specs(parts)


def _read_file(
    request: Request, file: InputFile, subdir: str | None, *, alone: bool
) -> LockedEnvironment | EnvironmentSpec:
    """Return what a file describes. Raises `InvalidEnvironment` for exact packages in one that is not `alone`."""
    from conda_docker.environment.inputs.kind import ReadRequest
    from conda_docker.environment.inputs.table import kind_of

    kind = kind_of(file)
    _check_choice(request, file, kind)
    read = kind.read(
        ReadRequest(
            file=file,
            subdir=subdir,
            environment=request.environment,
            categories=tuple(request.categories),
            alone=alone,
        )
    )
    if isinstance(read, LockedEnvironment) and not alone:
        raise InvalidEnvironment(
            f"{file.path} is {kind.name}, which lists exact packages: nothing can be added to it, "
            "neither packages nor another file"
        )
    return read


def _read_prefix(request: Request, prefix: Path, subdir: str | None) -> LockedEnvironment:
    from conda_docker.environment.inputs.prefix import read_prefix

    return read_prefix(
        prefix,
        subdir=subdir,
        pip_packages=request.pip_packages,
        editable=request.editable,
        only_packages=request.only_packages,
    )


def place_of(spec: str, files: Sequence[InputFile]) -> str | None:
    """Return the file and the line that a match spec stands in, such as `environment.yml, line 5`; None for none.

    Of several lines that begin with it the last counts: some channels are called as their packages, and come first.
    """
    whole = rf"{re.escape(spec)}(?![\w.-])"
    for pattern in (rf"\s*(?:-\s*)?[\"']?{whole}", rf"(?:.*[^\w.-])?{whole}"):
        for file in files:
            found = [
                number for number, line in enumerate(file.text.splitlines(), 1) if spec and re.match(pattern, line)
            ]
            if found:
                return f"{file.path}, line {found[-1]}"
    name = re.match(_NAME, spec)
    return None if name is None else _line_of_name(name[1], files)


def places_of(specs: Sequence[str], files: Sequence[InputFile], explanation: str) -> list[str]:
    """Return where the packages that an explanation names are asked for: `numpy >=99: environment.yml, line 5`."""
    places = []
    for spec in dict.fromkeys(map(public_text, specs)):
        name = re.match(_NAME, spec)
        if name is None or not re.search(rf"(?<![\w.-]){re.escape(name[1])}(?![\w-])", explanation):
            continue
        place = place_of(spec, files)
        places += [f"{spec}: {place}"] if place is not None else []
    return places


def _line_of_name(name: str, files: Sequence[InputFile]) -> str | None:
    """Return the place of a line that begins with a package's name, whatever form its version has there."""
    beginning = re.compile(rf"\s*(?:-\s*)?[\"']?(?:[^\s:]+::?)*{re.escape(name)}(?![\w.-])")
    for file in files:
        for number, line in enumerate(file.text.splitlines(), 1):
            if beginning.match(line):
                return f"{file.path}, line {number}"
    return None


def _check_choice(request: Request, file: InputFile, kind: InputKind) -> None:
    """Raise `InvalidEnvironment` where a part of a file is named and the file is not of a kind that has such parts."""
    from conda_docker.environment.inputs.kind import Choice

    for chosen, choice, what in (
        (request.environment, Choice.ENVIRONMENT, "environments to choose from (--environment)"),
        (request.categories, Choice.CATEGORIES, "categories to choose from (--category)"),
    ):
        if chosen and choice not in kind.choices:
            raise InvalidEnvironment(f"{file.path} is {kind.name}, which has no {what}")


def lacks_python(request: Request) -> InvalidEnvironment:
    """Return the error for an environment that wants packages of pip and has no Python to install them for."""
    chosen = f" in the categories {', '.join(request.categories)}" if request.categories else ""
    advice = "choose a category with Python too" if chosen else "add python and pip to its dependencies"
    described = ", ".join(map(str, request.files)) or request.prefix or request.name
    return InvalidEnvironment(f"{described} asks pip for packages, but its environment has no Python{chosen}; {advice}")


def project_folders(request: Request) -> tuple[Path, ...]:
    """Return the folders of the user's own projects, as requirements on them are recognized: without links."""
    return tuple(folder.resolve() for folder in request.projects)


def _check_whole(request: Request, described: LockedEnvironment | EnvironmentSpec) -> None:
    """Raise for what cannot be an environment, before anything is opened, downloaded or solved for it."""
    pip = described.pip
    if isinstance(described, EnvironmentSpec) and not described.specs:
        if pip is not None:
            raise lacks_python(request)
        raise InvalidEnvironment(f"{', '.join(map(str, request.files))}: no packages are asked for")
    if pip is not None:
        from conda_docker.pypi.requirements import check_requirements

        check_requirements(pip, allow_sdist=request.allow_sdist, projects=project_folders(request))
