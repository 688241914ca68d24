"""Whether a pixi.lock is up to date with its manifest, as far as can be told without a solve."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from conda_docker.channels.configuration import read_conda_configuration
from conda_docker.channels.urls import channel_urls
from conda_docker.environment.locked import LockedEnvironment, LockedPackage
from conda_docker.environment.solve.match_specs import RequestedSpec, read_specs
from conda_docker.environment.spec import EnvironmentSpec
from conda_docker.pypi.locked import LockedWheel, normalize_name
from conda_docker.redaction import public_url

if TYPE_CHECKING:
    from rattler import PackageRecord


def outdated(spec: EnvironmentSpec, locked: LockedEnvironment) -> str | None:
    """Return why `locked` is not what `spec` asks for, or None where it is.

    Channels must be equal and in the same order, every match spec and requirement must be met by a locked package, and
    a package that a constraint names must satisfy it. `solved_with` is passed over: a package that is not installed
    does not matter.
    """
    return next(_differences(spec, locked), None)


def _differences(spec: EnvironmentSpec, locked: LockedEnvironment) -> Iterator[str]:
    configuration = read_conda_configuration()
    channels = [public_url(url).rstrip("/") for url in channel_urls(spec.channels, configuration)]
    if channels != [url.rstrip("/") for url in locked.channels if not url.rstrip("/").endswith("/nodefaults")]:
        yield f"its channels are {', '.join(locked.channels) or 'none'}"
    packages = {package.name: package for package in locked.packages}
    for requested in read_specs(spec.specs, configuration):
        if requested.name not in packages:
            yield f"it has no {requested.name}"
        elif not _satisfies(packages[requested.name], requested):
            yield f"its {packages[requested.name].stem} is not {requested.text}"
    for constraint in read_specs(spec.constraints, configuration):
        if constraint.name in packages and not _satisfies(packages[constraint.name], constraint):
            yield f"its {packages[constraint.name].stem} is not {constraint.text}"
    if spec.pip is not None:
        yield from _unmet(spec.pip.requirements, locked)


def _satisfies(package: LockedPackage, requested: RequestedSpec) -> bool:
    from rattler import MatchSpec

    if requested.channels and package.channel is not None:
        # The spec itself is without its channel.
        urls = {public_url(url).rstrip("/") for url in requested.channels}
        if package.channel.rstrip("/") not in urls:
            return False
    if "://" in requested.spec or requested.spec.startswith("/"):
        return package.public_url == public_url(requested.spec)
    return MatchSpec(requested.spec, strict=False).matches(_record(package))


def _record(package: LockedPackage) -> PackageRecord:
    from rattler import PackageRecord
    from rattler.package import BuildString

    return PackageRecord(
        name=package.name,
        version=package.version,
        build=BuildString(package.build),
        build_number=package.build_number,
        subdir=package.subdir,
        sha256=bytes.fromhex(package.sha256) if package.sha256 else None,
        md5=bytes.fromhex(package.md5) if package.md5 else None,
    )


def _unmet(requirements: Iterable[str], locked: LockedEnvironment) -> Iterator[str]:
    """Yield the requirements that neither a wheel nor, by its name, a conda package meets."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.version import InvalidVersion

    wheels: dict[str, LockedWheel] = {wheel.name: wheel for wheel in locked.wheels}
    sources = locked.pip.requirements if locked.pip else ()
    built = {normalize_name(text.partition(" @ ")[0]) for text in sources}
    conda = {normalize_name(name) for package in locked.packages for name in _pypi_names(package)}
    for text in requirements:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue  # whoever resolves it says so
        name = normalize_name(requirement.name)
        if requirement.marker is not None or name in conda or name in built:
            continue
        if name not in wheels:
            yield f"it has no {name} for pip"
            continue
        try:
            if not requirement.specifier.contains(wheels[name].version, prereleases=True):
                yield f"its {name} for pip is {wheels[name].version}, not {requirement.specifier}"
        except InvalidVersion:
            yield f"its {name} for pip has no valid version"


def _pypi_names(package: LockedPackage) -> Iterator[str]:
    """Yield what a conda package is called on the Python index: by its purls, else the same."""
    purls = package.record.get("purls")
    found = [
        purl.removeprefix("pkg:pypi/").partition("@")[0].partition("?")[0]
        for purl in (purls if isinstance(purls, list) else ())
        if isinstance(purl, str) and purl.startswith("pkg:pypi/")
    ]
    yield from found or [package.name]
