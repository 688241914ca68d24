"""Lists of `conda list --export`: the name, version and build of each package (conda/cli/main_list.py)."""

from __future__ import annotations

import re
from pathlib import Path

from conda_docker.environment.inputs.kind import InputFile, InputKind, ReadRequest
from conda_docker.environment.spec import EnvironmentSpec
from conda_docker.environment.wheels import PipRequirements
from conda_docker.errors import InvalidEnvironment, UnsupportedInput

_LINE = re.compile(r"(?:(?P<channel>\S+)::)?(?P<name>[\w.-]+)=(?P<version>[^=\s]+)(?:=(?P<build>[^=\s]+))?")
_PLATFORM = re.compile(r"#\s*platform:\s*(\S+)")
_HEADER = re.compile(r"^# This file may be used to create an environment", re.MULTILINE)
# What conda writes in place of a build for packages that pip installed (<pip> before conda 4.6) ...
_PIP = re.compile(r"pypi(?:_\d+)?|<pip>")
# ... and for those that are links to a folder of sources.
_DEVELOP = re.compile(r"dev_\d+|<develop>")


def parse_list_export(
    text: str, file_name: str = "packages.txt", *, subdir: str | None = None, folder: Path | None = None
) -> EnvironmentSpec:
    """Return the packages that an exported list names, as exact specs; `folder` is where the list is.

    `subdir` is what the environment is wanted for; None: what the list says itself, in a comment. The list does not
    name channels. Raises `InvalidEnvironment` for a line of another form, a package that is named twice and a list
    that is for another platform, and `UnsupportedInput` for a package in development.

    >>> parse_list_export("numpy=1.26.4=py312h_0\\nrich=13.9=pypi_0\\n").specs
    ('numpy ==1.26.4 py312h_0',)
    """
    specs: dict[str, str] = {}
    requirements: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        where = f"line {number} of {file_name}"
        found = _LINE.fullmatch(line.strip())
        if found is None:
            raise InvalidEnvironment(
                f"{where}: not a package as `conda list --export` writes it: {line.strip()[:80]!r}"
            )
        channel, name, version, build = found.group("channel", "name", "version", "build")
        if _DEVELOP.fullmatch(build or ""):
            raise UnsupportedInput(
                f"{where}: {name} is installed in development mode, from a folder of sources; install a package of it "
                "instead"
            )
        if _PIP.fullmatch(build or ""):
            found_in, spec = requirements, f"{name}=={version}"
        else:
            found_in, spec = specs, f"{channel}::" * bool(channel) + f"{name} =={version}" + f" {build}" * bool(build)
        if found_in.setdefault(name, spec) != spec:
            raise InvalidEnvironment(f"{where}: the package {name} is named before, in another version or build")
    if not specs:
        raise InvalidEnvironment(f"{file_name} names no conda packages")
    return EnvironmentSpec(
        specs=tuple(specs.values()),
        subdir=_subdir(text, subdir, file_name),
        pip=PipRequirements(requirements=tuple(requirements.values()), folder=folder, origin=file_name)
        if requirements
        else None,
        warnings=(f"{file_name} names no channels, so its packages are searched in the configured ones",),
    )


def _subdir(text: str, wanted: str | None, file_name: str) -> str | None:
    """Return the subdir that the list is for. Its builds are those of one platform."""
    stated = _PLATFORM.search(text)
    if stated is None:
        return wanted
    if wanted is not None and wanted != stated[1]:
        raise InvalidEnvironment(f"{file_name} is a list for {stated[1][:40]}, and {wanted} was asked for")
    return stated[1]


def _is_list_export(file: InputFile) -> bool:
    """Return whether a file is such a list, rather than one of specs, in which `python=3.12` is any such version."""
    rows = [_LINE.fullmatch(line) for line in file.lines]
    if not rows or not all(rows):
        return False
    exact = all(row["build"] and "*" not in row[0] for row in rows if row)
    return exact or _HEADER.search(file.text) is not None


def _read(request: ReadRequest) -> EnvironmentSpec:
    spec = parse_list_export(request.text, request.file_name, subdir=request.subdir, folder=request.folder)
    if spec.subdir is not None and not spec.subdir.startswith("linux-"):
        raise UnsupportedInput(
            f"{request.file_name} names builds for {spec.subdir}, which do not run in a Linux image; name the packages "
            "without builds, in an environment.yml, so that they are chosen for Linux"
        )
    return spec


KIND = InputKind("a list of `conda list --export`", _is_list_export, _read)
