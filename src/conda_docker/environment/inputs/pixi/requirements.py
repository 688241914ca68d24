"""Whether locked wheels and conda packages meet requirements for pip, and all that these need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from conda_docker.environment.locked import LockedEnvironment, LockedPackage
from conda_docker.environment.packages.topological_order import match_spec_name
from conda_docker.environment.packages.wheels import normalize_name

if TYPE_CHECKING:
    from packaging.requirements import Requirement

_MACHINES = {"linux-64": "x86_64", "linux-32": "i686", "osx-64": "x86_64", "osx-arm64": "arm64", "win-64": "AMD64"}
_SYSTEMS = {
    "linux": ("linux", "Linux", "posix"),
    "osx": ("darwin", "Darwin", "posix"),
    "win": ("win32", "Windows", "nt"),
}


def unmet_requirements(requirements: Iterable[str], locked: LockedEnvironment) -> Iterator[str]:
    """Yield what is wrong with the requirements (PEP 508) in a lock file.

    A requirement is met by a wheel of the right version, by a conda package of the name, or by sources of the name;
    what a wheel needs counts too. Those that cannot be read are passed over: whoever resolves them says so.
    """
    markers = _marker_environment(locked)
    wheels = {wheel.name: wheel for wheel in locked.wheels}
    others = {normalize_name(name) for package in locked.packages for name in pypi_names(package)}
    others |= {normalize_name(text.partition(" @ ")[0]) for text in (locked.pip.requirements if locked.pip else ())}
    pending = [(text, "") for text in requirements]
    seen: set[tuple[str, str]] = set()
    while pending:
        text, extra = pending.pop()
        requirement = _parse(text)
        if requirement is None or (text, extra) in seen:
            continue
        seen.add((text, extra))
        if requirement.marker is not None and not requirement.marker.evaluate({**markers, "extra": extra}):
            continue
        name = normalize_name(requirement.name)
        if name in wheels:
            wheel = wheels[name]
            if not _contains(requirement, wheel.version):
                yield f"its {name} for pip is {wheel.version}, not {requirement.specifier}"
            pending += [(need, wanted) for need in wheel.requires for wanted in ("", *requirement.extras)]
        elif name not in others:
            yield f"it has no {name} for pip"


def needed_for_pip(requirements: Iterable[str], locked: LockedEnvironment) -> set[str] | None:
    """Return the names of all that requirements (PEP 508) and the wheels for them ask for, None if it is not known.

    It is not where something is built from sources, a requirement cannot be read, or the lock file says of no wheel
    what it needs. Markers are passed over: what only an extra or another platform needs counts as needed.
    """
    asked = [_parse(text) for text in requirements]
    if locked.pip is not None or None in asked or (asked and not any(wheel.requires for wheel in locked.wheels)):
        return None
    wheels = {wheel.name: wheel for wheel in locked.wheels}
    pending = [normalize_name(requirement.name) for requirement in asked if requirement is not None]
    needed: set[str] = set()
    while pending:
        name = pending.pop()
        if name not in needed:
            needed.add(name)
            requires = wheels[name].requires if name in wheels else ()
            pending += [normalize_name(match_spec_name(need)) for need in requires]
    return needed


def _parse(text: str) -> Requirement | None:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return Requirement(text)
    except InvalidRequirement:
        return None


def _contains(requirement: Requirement, version: str) -> bool:
    from packaging.version import InvalidVersion

    try:
        return requirement.specifier.contains(version, prereleases=True)
    except InvalidVersion:
        return False


def pypi_names(package: LockedPackage) -> Iterator[str]:
    """Yield what a conda package is called on the Python index: by its purls, else the same."""
    purls = package.record.get("purls")
    found = [
        purl.removeprefix("pkg:pypi/").partition("@")[0].partition("?")[0]
        for purl in (purls if isinstance(purls, list) else ())
        if isinstance(purl, str) and purl.startswith("pkg:pypi/")
    ]
    yield from found or [package.name]


def _marker_environment(locked: LockedEnvironment) -> Mapping[str, str]:
    """Return the values of environment markers (PEP 508) for the locked Python and platform."""
    version = locked.python.version if locked.python else "3.12.0"
    system = locked.subdir.partition("-")[0]
    sys_platform, platform_system, os_name = _SYSTEMS.get(system, _SYSTEMS["linux"])
    return {
        "python_version": ".".join(version.split(".")[:2]),
        "python_full_version": version,
        "implementation_version": version,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "sys_platform": sys_platform,
        "platform_system": platform_system,
        "os_name": os_name,
        "platform_machine": _MACHINES.get(locked.subdir, locked.subdir.partition("-")[2]),
        "platform_release": "",
        "platform_version": "",
    }
