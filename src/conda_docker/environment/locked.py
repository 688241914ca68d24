"""What every way to describe an environment ends in: an exact list of packages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conda_docker.arguments.values import to_texts
from conda_docker.environment.packages.normal_spec import normal_specs
from conda_docker.environment.packages.package_url import (
    channel_of_url,
    check_url,
    file_name_of,
    local_path,
    subdir_of_url,
    without_hidden_token,
)
from conda_docker.environment.packages.record_fields import (
    hex_digest_of,
    milliseconds_of,
    noarch_of,
    site_packages_of,
    size_of,
    text_of,
    texts_of,
)
from conda_docker.environment.packages.topological_order import topological_order
from conda_docker.errors import InvalidEnvironment
from conda_docker.redaction import public_url, public_value
from python_docker.argument_types import check_type

if TYPE_CHECKING:
    from conda_docker.environment.activation_script import ActivationScript
    from conda_docker.environment.installed_prefix import InstalledPrefix
    from conda_docker.environment.packages.wheels import Distribution, LockedWheel, PipRequirements
    from conda_docker.environment.virtual_packages import VirtualPackage

# What installers add to a package's record in conda-meta, and what solvers print in addition.
_NOT_OF_THE_RECORD = frozenset(
    {
        "auth",
        "base_url",
        "build_string",
        "dist_name",
        "extracted_package_dir",
        "files",
        "installed_system_menus",
        "link",
        "package_tarball_full_path",
        "package_type",
        "paths_data",
        "requested_spec",
        "requested_specs",
    }
)
_SUFFIXES = (".conda", ".tar.bz2")
# What no name, version or build has: they become part of file names.
_UNSAFE = re.compile(r"[\x00-\x20/\\\x7f\ud800-\udfff]|^\.")
# Builds of Python without a global lock, whose modules are in lib/python3.13t and the like.
_FREE_THREADED = r"_cp\d+t$"


@dataclass(frozen=True, slots=True)
class LockedPackage:
    """One package of an environment, exactly.

    `complete` is False while `depends`, `noarch` and the like are not known, as in an explicit list, which holds only
    URLs and perhaps hashes; `with_index` adds what the package itself says.
    """

    name: str
    version: str
    build: str
    build_number: int
    subdir: str
    """ "linux-64" or "noarch", as the package is published."""
    file_name: str
    """numpy-1.26.4-py312h_0.conda"""
    url: str
    """Where it can be downloaded from. May carry credentials, so it is written nowhere: use `public_url`."""
    channel: str | None = None
    """Its channel's public URL, with a slash at the end, or a name where the URL does not say."""
    sha256: str | None = None
    md5: str | None = None
    size: int | None = None
    """The archive's, in bytes."""
    depends: tuple[str, ...] = ()
    noarch: str | None = None
    """ "python", "generic" or None."""
    python_site_packages_path: str | None = None
    timestamp: int | None = None
    """When it was built, in milliseconds since 1970."""
    record: Mapping[str, Any] = field(default_factory=dict)
    """Every field of the channel's index, without credentials; what conda-meta is made from."""
    source: Path | None = None
    """A local archive or extracted folder that is this package already, if one is known."""
    complete: bool = True

    @property
    def stem(self) -> str:
        """numpy-1.26.4-py312h_0, the name of its file in conda-meta without `.json`."""
        return f"{self.name}-{self.version}-{self.build}"

    @property
    def public_url(self) -> str:
        """The URL without credentials."""
        return public_url(self.url)

    def with_index(self, index: Mapping[str, Any], **checked: str | int) -> LockedPackage:
        """Return this package with what is not known yet taken from its own `info/index.json`.

        What the channel's index says wins: it may have been corrected since the package was built (CEP 32). `checked`
        are `sha256`, `md5` and `size` of the archive, where they were computed. Raises `InvalidEnvironment` when
        `index` is that of another package.
        """
        found = (index.get("name"), str(index.get("version")), index.get("build"))
        if found != (self.name, self.version, self.build):
            raise InvalidEnvironment(
                f"{self.public_url} holds a different package than its name says: {'-'.join(map(str, found))}"
            )
        record = {**index, **self.record, **checked, "url": self.url}
        return replace(package_from_record(record, source=self.source), complete=True)


@dataclass(frozen=True, slots=True)
class LockedBase:
    """A base image, exactly: where it is, and the digest of its manifest; `scratch` has none."""

    name: str
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class LockedEnvironment:
    """The packages of an environment in topological order: the last wins a path that several bring."""

    subdir: str
    """The subdir that the environment is for, such as "linux-64"."""
    packages: tuple[LockedPackage, ...]
    requested: tuple[str, ...] = ()
    """What the user asked for, as match specs without credentials, in their normal form and order."""
    channels: tuple[str, ...] = ()
    """Public URLs or names, the first with the highest priority."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """The environment's own variables, which activation sets."""
    scripts: tuple[ActivationScript, ...] = ()
    """The project's own scripts, which activation sources in their order after those of packages."""
    name: str | None = None
    warnings: tuple[str, ...] = ()
    """What the user should hear about: keys of a file that are not known and so on."""
    wheels: tuple[LockedWheel, ...] = ()
    """Exact packages of the Python index, installed on top of `packages`, in topological order."""
    replaced: tuple[Distribution, ...] = ()
    """What conda packages bring and `wheels` replace: it is left out of these packages, as pip would remove it."""
    pip: PipRequirements | None = None
    """Requirements for pip that are not resolved to `wheels` yet."""
    virtual_packages: tuple[VirtualPackage, ...] = ()
    """What the packages were chosen for, where the input says so: the system must offer at least these."""
    base: LockedBase | None = None
    """The base image that it was locked with."""
    installed: InstalledPrefix | None = None
    """The folder on this machine that it was read from, where it was: its own files go into the image too."""

    def __post_init__(self) -> None:
        check_type("subdir", self.subdir, str)
        if not isinstance(self.packages, tuple):
            check_type("packages", self.packages, Iterable)
            object.__setattr__(self, "packages", tuple(self.packages))
        for package in self.packages:
            check_type("each of packages", package, LockedPackage, "lock() and resolve() give them")
        object.__setattr__(self, "requested", normal_specs(to_texts("requested", self.requested)))

    @property
    def python(self) -> LockedPackage | None:
        """The package named `python`, whose version noarch packages are linked for."""
        return next((package for package in self.packages if package.name == "python"), None)

    @property
    def script_files(self) -> dict[str, bytes]:
        """The files of `scripts`, relative to the prefix."""
        if not self.scripts:
            return {}
        from conda_docker.environment.activation_script import script_files

        return script_files(self.scripts)

    @property
    def complete(self) -> bool:
        """Whether everything is known of every package, so that the order is final."""
        return all(package.complete for package in self.packages)

    def with_packages(self, packages: tuple[LockedPackage, ...]) -> LockedEnvironment:
        """Return this environment with these packages, put in order."""
        return replace(self, packages=tuple(topological_order(packages)))


def package_from_record(record: Mapping[str, Any], *, source: Path | None = None) -> LockedPackage:
    """Return the package that a record of a channel's index describes, or one of conda-meta or of a solver.

    `record` needs `name`, `version`, `build` and `url`. What it leaves open is not known: the package is not `complete`
    then. Raises `InvalidEnvironment` for one that lacks them or holds values of a wrong kind.
    """
    fields = {key: value for key, value in record.items() if key not in _NOT_OF_THE_RECORD and value is not None}
    # micromamba 2.1 to 2.3 wrote what it did not know as 0 and as empty strings; no archive is empty.
    unfilled = fields.get("size") == 0
    fields = {key: value for key, value in fields.items() if not _is_unknown(key, value, unfilled=unfilled)}
    try:
        name, version, build = (text_of(fields, key) for key in ("name", "version", "build"))
        url = fields["url"] = without_hidden_token(text_of(fields, "url"))
        file_name = str(fields.get("fn", ""))
        if not file_name.endswith(_SUFFIXES):
            file_name = file_name_of(url)
        for text in (name, version, build, file_name):
            if _UNSAFE.search(text) or not text:
                raise ValueError(f"{text[:80]!r} cannot be a name, a version, a build or a file's name")
        check_url(url)
        # From the URL alone where possible: conda, rattler and an explicit list call one channel by different names.
        channel = channel_of_url(url) or (public_url(str(fields["channel"])) if "channel" in fields else None)
        if channel is not None:
            fields["channel"] = channel
        package = LockedPackage(
            name=name,
            version=version,
            build=build,
            build_number=int(fields.get("build_number", 0)),
            subdir=str(fields.get("subdir") or subdir_of_url(url) or "noarch"),
            file_name=file_name,
            url=url,
            channel=channel,
            sha256=hex_digest_of(fields, "sha256", 64),
            md5=hex_digest_of(fields, "md5", 32),
            size=size_of(fields),
            depends=texts_of(fields, "depends"),
            noarch=noarch_of(fields.get("noarch")),
            python_site_packages_path=site_packages_of(fields),
            timestamp=milliseconds_of(fields.get("timestamp")),
            record=public_value({**fields, "fn": file_name}),
            source=source or local_path(url),
            complete=not unfilled and not _lacks_site_packages(name, build, fields),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        what = str(fields.get("fn") or fields.get("name") or "a package")[:200]
        missing = isinstance(error, KeyError)
        problem = f"it has no {error}" if missing else str(error)
        raise InvalidEnvironment(f"the record of {public_url(what)} cannot be used: {problem}") from error
    return package


def package_from_url(
    url: str, *, md5: str | None = None, sha256: str | None = None, source: Path | None = None
) -> LockedPackage:
    """Return the package that an archive's URL names, of which nothing else is known: it is not `complete`.

    Name, version and build come from the file's name. Raises `InvalidEnvironment` when it is not that of a package.

    >>> package_from_url("https://conda.anaconda.org/conda-forge/noarch/tzdata-2025b-h78e105d_0.conda").version
    '2025b'
    """
    file_name = file_name_of(url)
    stem = next((file_name[: -len(suffix)] for suffix in _SUFFIXES if file_name.endswith(suffix)), "")
    name, version, build = ["", "", "", *stem.rsplit("-", 2)][-3:]
    if not name or not version or not build:
        raise InvalidEnvironment(
            f"{public_url(url)!r} is not a conda package's URL: it should end in NAME-VERSION-BUILD.conda or .tar.bz2"
        )
    record = {"name": name, "version": version, "build": build, "url": url, "md5": md5, "sha256": sha256}
    if subdir := subdir_of_url(url):
        record |= {"subdir": subdir, "channel": channel_of_url(url)}
    return replace(package_from_record(record, source=source), complete=False)


def _is_unknown(key: str, value: object, *, unfilled: bool) -> bool:
    """Return whether a field of a record stands for something that whoever wrote it did not know."""
    if key in ("md5", "sha256"):
        return value == ""
    if key in ("size", "timestamp"):
        return value == 0
    return unfilled and value in ("", 0, [], None) and key not in ("name", "version", "build", "url")


def _lacks_site_packages(name: str, build: str, fields: Mapping[str, Any]) -> bool:
    """Return whether this is a Python whose modules are elsewhere than usual, and the record does not say where (CEP
    17).
    """
    return name == "python" and "python_site_packages_path" not in fields and bool(re.search(_FREE_THREADED, build))
