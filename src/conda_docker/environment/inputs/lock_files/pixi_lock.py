"""`pixi.lock`, the lock file of pixi, in every version of its format that there is, from 1 to 7.

Versions 1 to 3 are conda-lock's files with more fields. Since version 4 there are environments: each names, for each
platform, the locations of its packages, which are described in a list of their own. What a location says (name,
version, build, subdir) is left out of the description since version 6 (rattler_lock/src/parse).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from conda_docker.environment.inputs.kind import Choice, InputFile, InputKind, ReadRequest
from conda_docker.environment.inputs.lock_files.conda_lock import listed_subdirs, read_package_list
from conda_docker.environment.inputs.lock_files.index_record import described_package
from conda_docker.environment.inputs.lock_files.location import locate
from conda_docker.environment.inputs.lock_files.locked_entries import (
    SourceEntry,
    in_order,
    missing_hashes,
    pip_entry,
    pip_packages,
    unique,
)
from conda_docker.environment.inputs.platform_choice import choose_subdir, least_demanding
from conda_docker.environment.locked import (
    LockedEnvironment,
    LockedPackage,
    package_from_url,
)
from conda_docker.environment.packages.package_url import file_name_of
from conda_docker.environment.packages.topological_order import topological_order
from conda_docker.environment.packages.wheels import LockedWheel
from conda_docker.environment.virtual_packages import Origin, VirtualPackage
from conda_docker.errors import InvalidEnvironment, UnsupportedInput
from conda_docker.redaction import public_url
from conda_docker.yaml_document import YamlMapping, parse_document

DEFAULT_ENVIRONMENT = "default"

_FIRST_WITH_ENVIRONMENTS = 4
_FIRST_THAT_DERIVES = 6
_NEWEST = 7
_ARCHIVES = (".conda", ".tar.bz2")
_VIRTUAL = re.compile(r"(__[a-z0-9_]+)\s*(?:=+\s*)?([^=\s]*)(?:=(\S*))?")


def parse_pixi_lock(
    text: str,
    file_name: str = "pixi.lock",
    *,
    subdir: str | None = None,
    environment: str | None = None,
    folder: Path | None = None,
    declared: Mapping[str, str] | None = None,
) -> LockedEnvironment:
    """Return the packages of one environment of a pixi lock file, for one platform.

    `subdir` is what the environment is wanted for; None: Linux on this machine's processor, or the one Linux platform
    of the environment. `environment` is its name (None: `default`, or the only one); paths are relative to `folder`.
    What the platform was said to have (`__glibc` and the like) is in `virtual_packages`. `declared` says it of the one
    to take of several for a subdir (None: the one that asks least of the system).

    Raises `InvalidEnvironment` for a file that is damaged or newer than version 7, for an environment or platform that
    it lacks, and for two packages of one name, and `UnsupportedInput` for conda packages that are built from source.
    What pip would build is left in `pip`.
    """
    document = parse_document(text, file_name)
    version = document.number("version")
    if version is None:
        raise InvalidEnvironment(f"{file_name} is not a pixi lock file: it has no `version`")
    if not 1 <= version <= _NEWEST:
        raise InvalidEnvironment(
            f"{file_name} is a pixi lock file of version {version}; versions 1 to {_NEWEST} can be read"
        )
    if version < _FIRST_WITH_ENVIRONMENTS:
        if environment not in (None, DEFAULT_ENVIRONMENT):
            raise InvalidEnvironment(f"{file_name} has no environment {environment!r}; it has {DEFAULT_ENVIRONMENT}")
        return read_package_list(document, subdir=subdir, categories=None, folder=folder)
    name, chosen = _choose_environment(document, environment)
    if not chosen.mapping("packages"):
        others = [other for other in document.mapping("environments") or () if other != name]
        advice = f"; name another with --environment: {', '.join(others)}" if others else ""
        raise InvalidEnvironment(f"{file_name}: the environment {name!r} has no packages{advice}")
    found, notes = _choose_platform(document, chosen, subdir, declared, f" in the environment {name!r}")
    selectors = chosen.mapping("packages") or YamlMapping(file_name, chosen.line)
    reader = _PackageReader(document, version, found.subdir, folder or Path())
    packages, pip_entries = reader.read(list(selectors.mappings(found.name)))
    wheels, pip = pip_packages(pip_entries, file_name, folder or Path())
    return LockedEnvironment(
        subdir=found.subdir,
        packages=tuple(topological_order(packages)),
        wheels=in_order(wheels),
        pip=pip,
        channels=tuple(public_url(channel.required("url")) for channel in chosen.mappings("channels")),
        virtual_packages=found.virtual_packages,
        name=None if name == DEFAULT_ENVIRONMENT else name,
        warnings=(*notes, *missing_hashes(packages, wheels, file_name)),
    )


@dataclass(frozen=True, slots=True)
class _Platform:
    """A platform of a lock file. Since version 7 its name is free, and it says what it takes for granted."""

    name: str
    subdir: str
    virtual_packages: tuple[VirtualPackage, ...] = ()

    @property
    def virtual(self) -> dict[str, str]:
        """The versions of virtual packages by name."""
        return {package.name: package.version for package in self.virtual_packages}


def _choose_environment(document: YamlMapping, wanted: str | None) -> tuple[str, YamlMapping]:
    environments = document.mapping("environments") or YamlMapping(document.file_name, 1)
    name = wanted or DEFAULT_ENVIRONMENT
    if wanted is None and name not in environments and len(environments) == 1:
        (name,) = environments
    found = environments.mapping(name) if name in environments else None
    if found is None:
        known = ", ".join(environments) or "none"
        advice = "; name one of them with --environment" if wanted is None and environments else ""
        raise InvalidEnvironment(f"{document.file_name} has no environment {name!r}; it has {known}{advice}")
    return name, found


def _choose_platform(
    document: YamlMapping, environment: YamlMapping, wanted: str | None, declared: Mapping[str, str] | None, of: str
) -> tuple[_Platform, tuple[str, ...]]:
    """Return the platform to take, and a warning where others would do."""
    used = _platforms(document, environment)
    subdir = choose_subdir((platform.subdir for platform in used), wanted, document.file_name, of)
    candidates = [platform for platform in used if platform.subdir == subdir]
    if declared:
        candidates = [platform for platform in candidates if platform.virtual.items() >= declared.items()] or candidates
    taken = candidates[least_demanding([platform.virtual for platform in candidates])]
    others = [platform.name for platform in candidates if platform is not taken and taken.name != subdir]
    if not others:
        return taken, ()
    return taken, (
        f"{document.file_name}: of the platforms for {subdir}{of}, {taken.name} is used, not {', '.join(others)}",
    )


def _platforms(document: YamlMapping, environment: YamlMapping) -> list[_Platform]:
    described = {platform.name: platform for platform in map(_platform, document.mappings("platforms"))}
    return [
        described.get(name) or _Platform(name, name)
        for name in environment.mapping("packages") or YamlMapping(document.file_name, 1)
    ]


def _platform(entry: YamlMapping) -> _Platform:
    name = entry.required("name")
    found = (_VIRTUAL.fullmatch(text.strip()) for text in entry.texts("virtual-packages"))
    return _Platform(
        name,
        entry.text("subdir") or name,
        tuple(
            VirtualPackage(match[1], match[2], match[3] or "0", Origin.FILE) for match in found if match and match[2]
        ),
    )


class _PackageReader:
    """The descriptions of packages in a lock file, found by what an environment says of them."""

    def __init__(self, document: YamlMapping, version: int, subdir: str, folder: Path) -> None:
        self._file_name = document.file_name
        self._version = version
        self._subdir = subdir
        self._folder = folder
        self._described: dict[tuple[str, str], list[YamlMapping]] = {}
        for entry in document.mappings("packages"):
            self._described.setdefault(_identity(entry), []).append(entry)

    def read(
        self, selectors: Sequence[YamlMapping]
    ) -> tuple[tuple[LockedPackage, ...], list[tuple[LockedWheel | SourceEntry, str]]]:
        """Return the conda packages, and the packages for pip with their places, that `selectors` name."""
        packages, pip_entries = [], []
        for selector in selectors:
            kind, location = _identity(selector)
            if kind == "pypi":
                pip_entries.append((self._pip_entry(self._description(selector), location), selector.where))
            else:
                self._refuse_source(selector, kind)
                packages.append((self._package(self._description(selector), selector), selector.where))
        return unique(packages, "package"), pip_entries

    def _refuse_source(self, selector: YamlMapping, kind: str) -> None:
        location = selector.required(kind)
        if kind == "conda" and file_name_of(location).endswith(_ARCHIVES):
            return
        described = self._described.get(_identity(selector))
        name = (described[0].text("name") if described else None) or location.partition("[")[0]
        raise UnsupportedInput(
            f"{selector.where}: {name} is built from source ({public_url(location)}), which cannot be done here; "
            "build it as a conda package and lock that, or choose an environment without it"
        )

    def _description(self, selector: YamlMapping) -> YamlMapping:
        """Return what is said of a package. Before version 6 it may be said in parts, one for each platform."""
        described = self._described.get(_identity(selector), [])
        if not described:
            raise selector.invalid(f"the package {public_url(_identity(selector)[1])} is not described in the file")
        if self._version >= _FIRST_THAT_DERIVES or len(described) == 1:
            return described[0]
        of_platform = [entry for entry in described if entry.text("subdir") == self._subdir]
        merged = YamlMapping(self._file_name, described[0].line)
        for entry in of_platform or described:
            merged.update({key: value for key, value in entry.items() if key not in merged})
        return merged

    def _package(self, entry: YamlMapping, selector: YamlMapping) -> LockedPackage:
        found = locate(_identity(selector)[1], folder=self._folder, where=entry.where)
        try:
            derived = package_from_url(found.url, source=found.source)
            return described_package(entry, derived, derives_noarch=self._version >= _FIRST_THAT_DERIVES)
        except InvalidEnvironment as error:
            raise entry.invalid(str(error)) from error

    def _pip_entry(self, entry: YamlMapping, location: str) -> LockedWheel | SourceEntry:
        return pip_entry(
            entry.required("name"),
            entry.text("version"),
            location,
            sha256=entry.text("sha256"),
            requires=entry.texts("requires_dist"),
            folder=self._folder,
            where=entry.where,
        )


def _identity(entry: YamlMapping) -> tuple[str, str]:
    """Return the kind of a package and where it is, which is how environments and descriptions refer to each other."""
    for kind in ("conda", "pypi", "conda_source"):
        if kind in entry:
            return kind, _normal(entry.required(kind))
    # Versions 4 and 5 describe packages so.
    location = entry.text("url") or entry.text("path")
    if location is None:
        raise entry.invalid("a package should have one of `conda`, `pypi` and `conda_source`")
    return entry.required("kind"), _normal(location)


def _normal(location: str) -> str:
    """Return a location with `./x` and `x` the same, as rattler compares them."""
    if "://" in location or "\\" in location or "@" in location:
        return location
    return posixpath.normpath(location)


def _is_pixi_lock(file: InputFile) -> bool:
    # The first versions look like conda-lock's files inside.
    early = "package" in file.keys and re.search(r"^version: [23]$", file.text, re.MULTILINE) is not None
    return file.path.name.endswith("pixi.lock") or {"version", "environments", "packages"} <= file.keys or early


def _read(request: ReadRequest) -> LockedEnvironment:
    return parse_pixi_lock(
        request.text,
        request.file_name,
        subdir=request.subdir,
        environment=request.environment,
        folder=request.folder,
    )


def _subdirs(file: InputFile) -> frozenset[str]:
    document = parse_document(file.text, str(file.path))
    if (document.number("version") or 0) < _FIRST_WITH_ENVIRONMENTS:
        return listed_subdirs(document)
    _, environment = _choose_environment(document, None)
    return frozenset(platform.subdir for platform in _platforms(document, environment))


KIND = InputKind("a pixi lock file", _is_pixi_lock, _read, frozenset({Choice.ENVIRONMENT}), _subdirs)
