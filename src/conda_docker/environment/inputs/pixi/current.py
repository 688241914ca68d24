"""Whether a pixi.lock is up to date with its manifest; what only a solve shows is not checked."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

from conda_docker.channels.configuration import read_conda_configuration
from conda_docker.channels.urls import channel_urls
from conda_docker.environment.inputs.pixi.requirements import needed_for_pip, pypi_names, unmet_requirements
from conda_docker.environment.locked import LockedEnvironment, LockedPackage
from conda_docker.environment.packages.topological_order import match_spec_name
from conda_docker.environment.packages.wheels import normalize_name
from conda_docker.environment.solve.closure import needed_by
from conda_docker.environment.solve.match_specs import RequestedSpec, read_specs
from conda_docker.environment.spec import EnvironmentSpec
from conda_docker.redaction import public_url

if TYPE_CHECKING:
    from rattler import PackageRecord


def outdated(spec: EnvironmentSpec, locked: LockedEnvironment, *, whole: bool = True) -> str | None:
    """Return why `locked` is not what `spec` asks for, or None where it is.

    `whole` says that `spec` is all that the manifest asks for: then no package may be there that nothing needs.

    Channels must be equal and in the same order, and so must what is declared of the system, where the lock file says
    it. Every match spec and requirement must be met by a locked package, and so must what these need; a package that a
    constraint names must satisfy it. `solved_with` is passed over: a package that is not installed does not matter.
    """
    differences = _differences(spec, locked)
    return next(chain(differences, _unneeded(spec, locked)) if whole else differences, None)


def _differences(spec: EnvironmentSpec, locked: LockedEnvironment) -> Iterator[str]:
    configuration = read_conda_configuration()
    channels = [public_url(url).rstrip("/") for url in channel_urls(spec.channels, configuration)]
    if channels != [url.rstrip("/") for url in locked.channels if not url.rstrip("/").endswith("/nodefaults")]:
        yield f"its channels are {', '.join(locked.channels) or 'none'}"
    declared = {package.name: package.version for package in locked.virtual_packages}
    for text in spec.virtual_packages:
        name, _, version = text.partition("=")
        if declared and declared.get(name) != version and name != "__archspec":
            yield f"it is for {name} {declared.get(name, 'of any version')}"
    packages = {package.name: package for package in locked.packages}
    for requested in read_specs(spec.specs, configuration):
        if requested.name not in packages:
            yield f"it has no {requested.name}"
        elif not _satisfies(packages[requested.name], requested):
            yield f"its {packages[requested.name].stem} is not {requested.text}"
    for constraint in read_specs(spec.constraints, configuration):
        if constraint.name in packages and not _satisfies(packages[constraint.name], constraint):
            yield f"its {packages[constraint.name].stem} is not {constraint.text}"
    for package in locked.packages:
        for need in map(match_spec_name, package.depends):
            if need not in packages and not need.startswith("__"):
                yield f"it has no {need}, which its {package.stem} needs"
    if spec.pip is not None:
        yield from unmet_requirements(spec.pip.requirements, locked)


def _unneeded(spec: EnvironmentSpec, locked: LockedEnvironment) -> Iterator[str]:
    """Yield what is wrong with packages that nothing needs, and first those that brought the others.

    In a solve group a conda package may be there for a wheel alone, because another environment asks for it.
    """
    for_pip = needed_for_pip(spec.pip.requirements if spec.pip is not None else (), locked)
    if for_pip is not None or not spec.solved_with:
        wanted = [requested.name for requested in read_specs(spec.specs, read_conda_configuration())]
        wanted += [
            package.name
            for package in locked.packages
            if any(normalize_name(name) in (for_pip or ()) for name in pypi_names(package))
        ]
        needed = {package.name for package in needed_by(locked.packages, wanted)}
        yield from (f"nothing needs its {each.stem}" for each in reversed(locked.packages) if each.name not in needed)
    if for_pip is not None:
        yield from (
            f"nothing needs its {each.name} for pip" for each in reversed(locked.wheels) if each.name not in for_pip
        )


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
