"""`@EXPLICIT` lists: the URL of each package, perhaps with a hash (conda/misc.py, `conda list --explicit`)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from conda_docker.environment.activation_script import ActivationScript, from_json
from conda_docker.environment.inputs.kind import InputFile, InputKind, ReadRequest
from conda_docker.environment.inputs.lock_files.location import locate
from conda_docker.environment.inputs.lock_files.locked_entries import (
    SourceEntry,
    missing_hashes,
    pip_entry,
    pip_packages,
    unique,
)
from conda_docker.environment.locked import LockedEnvironment, LockedPackage, package_from_url
from conda_docker.environment.packages.package_url import channel_of_url
from conda_docker.environment.packages.wheels import Distribution, LockedWheel
from conda_docker.errors import InvalidEnvironment, UnsupportedInput

MARKER = "@EXPLICIT"

_HASH = re.compile(r"(?:(?P<md5>[0-9a-f]{32})|(?:sha256:)?(?P<sha256>[0-9a-f]{64}))", re.IGNORECASE)
_PLATFORM = re.compile(r"#\s*platform:\s*(\S+)")
# Our own lists keep what was asked for, and the variables, in a comment.
_REQUEST = re.compile(r"#\s*conda-docker:\s*(\{.*\})")
# conda-lock and micromamba write what pip should install as comments, which conda passes over. The hash stands in the
# URL's fragment, or behind it in older lists.
_PIP = re.compile(r"#\s*pip\s+([\w.-]+)(?:\[[^\]]*\])?\s*@\s*(\S+)(?:\s+--hash=sha256:(\S+))?")


def parse_explicit(
    text: str, file_name: str = "explicit.txt", *, subdir: str | None = None, folder: Path | None = None
) -> LockedEnvironment:
    """Return the packages that an explicit list names; they are not `complete`, and in the order of the list.

    Lines are URLs, or paths, relative to `folder`. `subdir` is what the environment is wanted for; None: what the list
    says itself, in a comment or by its URLs. Lines `# pip NAME @ URL`, as conda-lock writes them, name wheels, and
    what pip would build is left in `pip`. Raises `InvalidEnvironment` for a line that is not a package, and for a
    package that is named twice or is for another platform.

    >>> parse_explicit("@EXPLICIT\\nhttps://conda.anaconda.org/c/linux-64/a-1.0-0.conda\\n").packages[0].name
    'a'
    """
    lines = [line.strip() for line in text.splitlines()]
    if MARKER not in lines:
        raise InvalidEnvironment(f"{file_name} is not an explicit list: it has no line {MARKER}")
    comments = [line for line in lines if line.startswith("#")]
    folder = folder or Path()
    found_packages: list[tuple[LockedPackage, str]] = []
    pip_entries: list[tuple[LockedWheel | SourceEntry, str]] = []
    for number, line in enumerate(lines, 1):
        where = f"line {number} of {file_name}"
        if found := _PIP.match(line):
            entry = pip_entry(found[1], None, found[2], sha256=found[3], folder=folder, where=where)
            pip_entries.append((entry, where))
        if not line or line == MARKER or line.startswith("#"):
            continue
        found_packages.append((_package(line, where, folder), where))
    packages = unique(found_packages, "package")
    stated = next((found[1] for line in comments if (found := _PLATFORM.match(line))), None)
    target = _target(packages, stated, subdir, file_name)
    request = _request(comments)
    wheels, pip = pip_packages(pip_entries, file_name, folder)
    asked, replaced = _wheels_request(request)
    return LockedEnvironment(
        subdir=target,
        packages=packages,
        wheels=tuple(
            replace(wheel, requested=wheel.name in asked["requested"], direct=wheel.name in asked["direct"])
            for wheel in wheels
        ),
        pip=pip,
        replaced=replaced,
        warnings=(*_emptiness(packages, wheels, pip, file_name), *missing_hashes(packages, wheels, file_name)),
        requested=tuple(map(str, request.get("requested", ()))),
        channels=tuple(dict.fromkeys(package.channel for package in packages if package.channel)),
        variables={str(name): str(value) for name, value in dict(request.get("variables", {})).items()},
        scripts=_scripts(request, file_name),
    )


def _emptiness(packages: Sequence[object], wheels: Sequence[object], pip: object, file_name: str) -> tuple[str, ...]:
    empty = not packages and not wheels and not pip
    return (f"{file_name} lists no packages: there is nothing after {MARKER}",) if empty else ()


def _package(line: str, where: str, folder: Path) -> LockedPackage:
    location, _, fragment = line.partition("#")
    digest = _HASH.fullmatch(fragment.strip())
    if fragment and digest is None:
        raise InvalidEnvironment(f"{where}: what follows the # is neither an MD5 nor a SHA-256: {fragment[:100]!r}")
    hashes = digest.groupdict() if digest else {"md5": None, "sha256": None}
    found = locate(location, folder=folder, where=where)
    try:
        return package_from_url(found.url, md5=hashes["md5"], sha256=hashes["sha256"], source=found.source)
    except InvalidEnvironment as error:
        raise InvalidEnvironment(f"{where}: {error}") from error


def _target(packages: tuple[LockedPackage, ...], stated: str | None, wanted: str | None, file_name: str) -> str:
    """Return the subdir that the list is for. Packages from local files may be anywhere, so theirs say nothing."""
    found = dict.fromkeys(
        package.subdir for package in packages if package.subdir != "noarch" and channel_of_url(package.url)
    )
    named = [subdir for subdir in ([stated] if stated and stated != "noarch" else []) if subdir not in found]
    subdirs = [*found, *named]
    if len(subdirs) > 1:
        raise InvalidEnvironment(f"{file_name} mixes packages for {', '.join(subdirs)}; a list is for one platform")
    if wanted and subdirs and subdirs != [wanted]:
        raise InvalidEnvironment(f"{file_name} is a list for {subdirs[0]}, and {wanted} was asked for")
    if wanted or subdirs:
        return wanted or subdirs[0]
    from conda_docker.environment.subdirs import host_subdir

    return host_subdir()


def _request(comments: list[str]) -> Mapping[str, Any]:
    for line in comments:
        if found := _REQUEST.match(line):
            try:
                request = json.loads(found[1])
            except (ValueError, RecursionError):
                return {}
            expected = isinstance(request.get("requested", []), list) and isinstance(request.get("variables", {}), dict)
            return request if expected else {}
    return {}


def _scripts(request: Mapping[str, Any], file_name: str) -> tuple[ActivationScript, ...]:
    try:
        return from_json(request.get("scripts", ()))
    except ValueError as error:
        raise InvalidEnvironment(f"{file_name} is damaged: {error}") from error


def _wheels_request(request: Mapping[str, Any]) -> tuple[dict[str, frozenset[str]], tuple[Distribution, ...]]:
    """Which wheels the user named, and by location, and what they replace, as our own lists say."""
    wheels = request.get("wheels")
    wheels = wheels if isinstance(wheels, dict) else {}

    def items(name: str) -> list[Any]:
        value = wheels.get(name)
        return value if isinstance(value, list) else []

    asked = {name: frozenset(map(str, items(name))) for name in ("requested", "direct")}
    replaced = [row for row in items("replaced") if isinstance(row, list) and len(row) == 3]
    return asked, tuple(Distribution(*map(str, row)) for row in replaced)


def _is_explicit(file: InputFile) -> bool:
    return MARKER in file.lines


def _read(request: ReadRequest) -> LockedEnvironment:
    found = parse_explicit(request.text, request.file_name, subdir=request.subdir, folder=request.folder)
    if not found.subdir.startswith("linux-"):
        raise UnsupportedInput(
            f"{request.file_name} lists packages for {found.subdir}, which do not run in a Linux image; make the list "
            "on Linux, or name the packages in an environment.yml, so that they are chosen for Linux"
        )
    return found


KIND = InputKind("an explicit list", _is_explicit, _read)
