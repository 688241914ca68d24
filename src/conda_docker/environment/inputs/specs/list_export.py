"""Lists of `conda list`: the name, version and build of each package (conda/cli/main_list.py).

With `--export` it writes `NAME=VERSION=BUILD`, without it a table with the channel, which people keep in files too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from conda_docker.environment.inputs.kind import InputFile, InputKind, ReadRequest
from conda_docker.environment.packages.wheels import PipRequirements
from conda_docker.environment.spec import EnvironmentSpec
from conda_docker.errors import InvalidEnvironment, UnsupportedInput

_LINE = re.compile(r"(?:(?P<channel>\S+)::)?(?P<name>[\w.-]+)=(?P<version>[^=\s]+)(?:=(?P<build>[^=\s]+))?")
# A row of the table: NAME VERSION BUILD CHANNEL, of which only the first two are always there.
_ROW = re.compile(r"(?P<name>[\w.-]+)\s+(?P<version>[^\s=]+)(?:\s+(?P<build>\S+))?(?:\s+(?P<channel>\S+))?")
# The first line of conda's table, and of micromamba's; what follows until the first package is decoration.
_TABLE = re.compile(r"\s*(?:# packages in environment at |List of packages in environment: )")
_DECORATION = re.compile(r"#.*|List of packages in environment: .*|Name\s+Version\s+Build.*|[─-]+")
_PLATFORM = re.compile(r"#\s*platform:\s*(\S+)")
_HEADER = re.compile(r"^# This file may be used to create an environment", re.MULTILINE)
# What conda writes in place of a build for packages that pip installed (<pip> before conda 4.6) ...
_PIP = re.compile(r"pypi(?:_\d+)?|<pip>")
_NO_CHANNEL = frozenset({"<unknown>", "<develop>", "pypi"})
# ... and for those that are links to a folder of sources.
_DEVELOP = re.compile(r"dev_\d+|<develop>")


def parse_list_export(
    text: str, file_name: str = "packages.txt", *, subdir: str | None = None, folder: Path | None = None
) -> EnvironmentSpec:
    """Return the packages that a list names, as exact specs; `folder` is where the list is.

    `subdir` is what the environment is wanted for; None: what the list says itself, in a comment. An exported list does
    not name channels; in a table those of `defaults` have none. Raises `InvalidEnvironment` for a line of another form,
    a package that is named twice and a list that is for another platform, and `UnsupportedInput` for a package in
    development.

    >>> parse_list_export("numpy=1.26.4=py312h_0\\nrich=13.9=pypi_0\\n").specs
    ('numpy ==1.26.4 py312h_0',)
    """
    specs: dict[str, tuple[str, int]] = {}
    requirements: dict[str, tuple[str, int]] = {}
    channels: dict[str, None] = {}
    is_table = _TABLE.match(text) is not None
    for row in _rows(text, file_name, is_table):
        if _DEVELOP.fullmatch(row.build):
            raise UnsupportedInput(
                f"line {row.number} of {file_name}: {row.name} is installed in development mode, from a folder of "
                "sources; install a package of it instead"
            )
        among = requirements if _PIP.fullmatch(row.build) else specs
        spec = row.requirement if among is requirements else row.spec
        other, number = among.setdefault(row.name, (spec, row.number))
        if other != spec:
            raise InvalidEnvironment(
                f"line {row.number} of {file_name}: the package {row.name} is named before, on line {number}, in "
                "another version or build"
            )
        if among is specs and is_table:
            channels[row.channel or "defaults"] = None
    if not specs:
        raise InvalidEnvironment(f"{file_name} names no conda packages")
    pip = PipRequirements(
        requirements=tuple(requirement for requirement, _ in requirements.values()), folder=folder, origin=file_name
    )
    return EnvironmentSpec(
        specs=tuple(spec for spec, _ in specs.values()),
        channels=tuple(channels),
        subdir=_subdir(text, subdir, file_name),
        pip=pip if requirements else None,
        warnings=()
        if is_table
        else (
            f"{file_name} does not say which channels its packages are from: they are searched in those of -c and of "
            "your conda configuration",
        ),
    )


@dataclass(frozen=True, slots=True)
class _Row:
    """A package of a list; `channel` and `build` are empty where the list does not have them."""

    number: int
    channel: str
    name: str
    version: str
    build: str

    @property
    def spec(self) -> str:
        return f"{self.channel}::" * bool(self.channel) + f"{self.name} =={self.version}" + f" {self.build}".rstrip()

    @property
    def requirement(self) -> str:
        return f"{self.name}=={self.version}"


def _rows(text: str, file_name: str, is_table: bool) -> Iterator[_Row]:
    form = _ROW if is_table else _LINE
    for number, line in enumerate(map(str.strip, text.splitlines()), 1):
        if not line or line.startswith("#") or (is_table and _DECORATION.fullmatch(line)):
            continue
        found = form.fullmatch(line)
        if found is None:
            command = "conda list" if is_table else "conda list --export"
            raise InvalidEnvironment(
                f"line {number} of {file_name}: not a package as `{command}` writes it: {line[:80]!r}"
            )
        channel, name, version, build = (found[key] or "" for key in ("channel", "name", "version", "build"))
        if is_table and channel in _NO_CHANNEL:
            build, channel = (build if channel == "<unknown>" else build or channel), ""
        yield _Row(number, channel, name, version, build)


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
    if _TABLE.match(file.text):
        return True
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


KIND = InputKind("a list of `conda list`", _is_list_export, _read)
