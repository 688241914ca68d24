"""resolve_wheels: what an environment wants of pip becomes exact wheels, chosen by uv for the image.

What conda packages bring is given: uv takes it as it is, and it is not installed again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.arguments.listing import first_of
from conda_docker.environment.packages.wheels import Distribution, LockedWheel
from conda_docker.errors import InvalidEnvironment, UnsupportedInput
from conda_docker.pypi.distributions import extras_metadata, provided_distributions, stated_distributions
from conda_docker.pypi.pip_configuration import read_pip_configuration
from conda_docker.pypi.requirements import Requirements, check_no_binary, check_requirements
from conda_docker.pypi.resolve.build import Builder
from conda_docker.pypi.resolve.logins import index_logins, with_login
from conda_docker.pypi.resolve.pylock import Artifact, ResolvedPackage
from conda_docker.pypi.resolve.resolution import PipOptions, Resolution
from conda_docker.pypi.resolve.target import Target, target_of
from conda_docker.pypi.resolve.uv import uv_environment
from conda_docker.pypi.resolve.wheel_folder import link_pages
from python_docker.progress import SILENT, Progress

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedEnvironment
    from conda_docker.environment.packages.wheels import PipRequirements


def resolve_wheels(
    environment: LockedEnvironment,
    *,
    cache_dir: Path,
    glibc: str | None = None,
    options: PipOptions | None = None,
    offline: bool = False,
    download: bool = True,
    progress: Progress = SILENT,
) -> LockedEnvironment:
    """Return `environment` with its requirements for pip resolved to wheels, after those that it lists already.

    All wheels are in one order, whatever they come from: by name, and last what the user asked for. `glibc` is the
    version in the base image (None: not known). Without `download` conda packages that are not on this machine are not
    looked into, and their records say what they bring. Source distributions among the wheels are built, where `options`
    allow it. Raises `InvalidEnvironment` for an environment without Python and for lines that are not requirements,
    `UnsupportedInput` for sources that may not be built, and `Unsolvable` with uv's explanation.
    """
    if environment.pip is None and not environment.wheels:
        return environment
    if environment.python is None:
        origin = environment.pip.origin if environment.pip is not None else "the lock file"
        raise InvalidEnvironment(
            f"{origin} asks pip for packages, but its environment has no Python; add python and pip to its dependencies"
        )
    options = options or PipOptions()
    if environment.wheels:
        environment = _with_listed(environment, cache_dir, glibc, options, offline)
    if environment.pip is not None:
        environment = _with_resolved(
            environment, environment.pip, cache_dir, glibc, options, offline, download, progress
        )
    wheels = sorted(environment.wheels, key=lambda wheel: (wheel.requested, wheel.name))
    return replace(environment, wheels=tuple(wheels))


def _with_listed(
    environment: LockedEnvironment, cache_dir: Path, glibc: str | None, options: PipOptions, offline: bool
) -> LockedEnvironment:
    """Return the environment with wheels in place of source distributions, and with what its wheels replace."""
    wheels = [
        wheel if wheel.file_name.endswith(".whl") else _built(wheel, environment, cache_dir, glibc, options, offline)
        for wheel in environment.wheels
    ]
    names = {wheel.name for wheel in wheels}
    replaced = environment.replaced or tuple(
        distribution for distribution in stated_distributions(environment.packages) if distribution.name in names
    )
    return replace(environment, wheels=tuple(wheels), replaced=replaced)


def _built(
    wheel: LockedWheel,
    environment: LockedEnvironment,
    cache_dir: Path,
    glibc: str | None,
    options: PipOptions,
    offline: bool,
) -> LockedWheel:
    """Return the wheel of a source distribution that a lock file lists."""
    if not options.allow_sdist:
        raise UnsupportedInput(
            f"{wheel.name} {wheel.version} is locked as a source distribution ({wheel.file_name}); allow building it "
            "with --allow-sdist, which runs its build script on this machine, or lock a version that has a wheel"
        )
    assert environment.python is not None
    target = target_of(environment.python, environment.subdir, glibc)
    builder = Builder(target, cache_dir, uv_environment(read_pip_configuration(), offline=offline), offline)
    source = Artifact(wheel.url, wheel.sha256, wheel.size)
    package = ResolvedPackage(wheel.name, wheel.version, source=source, direct=wheel.direct)
    return _locked(package, Artifact(builder.build(package).as_uri()), wheel.requested, wheel.direct, {})


def _with_resolved(
    environment: LockedEnvironment,
    pip: PipRequirements,
    cache_dir: Path,
    glibc: str | None,
    options: PipOptions,
    offline: bool,
    download: bool,
    progress: Progress,
) -> LockedEnvironment:
    assert environment.python is not None
    target = target_of(environment.python, environment.subdir, glibc)
    requirements = check_requirements(pip, allow_sdist=options.allow_sdist, projects=options.projects)
    configuration = read_pip_configuration().with_options(requirements.options)
    local = offline or not download
    provided = provided_distributions(environment.packages, cache_dir, offline=local, progress=progress)
    task = progress.start(f"pip packages for {target}", None)
    with tempfile.TemporaryDirectory(prefix="conda-docker-pip-") as folder:
        resolution = Resolution(
            Path(folder),
            pip,
            requirements,
            replace(configuration, find_links=link_pages(configuration.find_links, Path(folder), cache_dir)),
            target,
            options,
            offline,
            lambda found: extras_metadata(found, environment.packages, cache_dir, offline=local),
        )
        locked = [Distribution(wheel.name, wheel.version, wheel.stem) for wheel in environment.wheels]
        packages, kept = resolution.run(
            [found for found in provided if found.name not in {wheel.name for wheel in locked}], locked
        )
        if not options.allow_sdist:
            check_no_binary(pip, requirements, {package.name for package in packages})
        missing_extras = tuple(resolution.missing_extras)
        if requirements.requires_hashes:
            _check_hashes(packages, requirements, pip)
        builder = Builder(target, cache_dir, uv_environment(configuration, offline=offline), offline)
        # The logins of the indexes of single packages serve their files too.
        indexes = (*configuration.extra_index_urls, *pip.indexes.values())
        logins = index_logins(replace(configuration, extra_index_urls=indexes))
        wheels = _wheels(packages, requirements, logins, builder, options, target)
    task.finish()
    # What a lock file lists was settled before.
    names = {wheel.name for wheel in wheels}
    replaced = [distribution for distribution in provided if distribution not in kept and distribution.name in names]
    return replace(
        environment,
        wheels=(*environment.wheels, *wheels),
        replaced=(*environment.replaced, *replaced),
        pip=None,
        warnings=(
            *environment.warnings,
            *map(_about_replacing, replaced),
            *(f"{name} has no extra {extra!r}, which {pip.origin} asks for" for name, extra in missing_extras),
        ),
    )


def _about_replacing(distribution: Distribution) -> str:
    return (
        f"the wheel of {distribution.name} replaces version {distribution.version} of the conda package "
        f"{distribution.package}"
    )


def _wheels(
    packages: Sequence[ResolvedPackage],
    requirements: Requirements,
    logins: dict[str, str],
    builder: Builder,
    options: PipOptions,
    target: Target,
) -> list[LockedWheel]:
    wheels = []
    for package in packages:
        is_project = package.tree is not None and package.tree.resolve() in options.projects
        if is_project and not options.build_projects:
            continue
        allowed = requirements.hashes.get(package.name)
        if allowed is not None:
            package = _with_allowed(package, allowed)  # noqa: PLW2901
        artifact = _best_wheel(package, target)
        if artifact is None:
            if not options.allow_sdist and not is_project:
                raise UnsupportedInput(f"{package.name} has no wheel for {target}; build it with --allow-sdist")
            if package.source is not None:
                source = replace(package.source, url=with_login(package.source.url, logins))
                package = replace(package, source=source)  # noqa: PLW2901
            artifact = Artifact(builder.build(package).as_uri())
        requested = package.name in requirements.named or (package.direct and not package.wheels)
        wheels.append(_locked(package, artifact, requested, package.direct, logins))
    return wheels


def _check_hashes(packages: Sequence[ResolvedPackage], requirements: Requirements, pip: PipRequirements) -> None:
    """Raise `InvalidEnvironment` for packages without a hash where every package needs one, as pip does."""
    missing = [
        f"{package.name}=={package.version}" if package.version else package.name
        for package in packages
        if package.name not in requirements.hashes
    ]
    if missing:
        raise InvalidEnvironment(
            f"{pip.origin}: pip wants a hash of every package where --require-hashes is given or any requirement has "
            f"a --hash, and there is none for {first_of(missing, 10)}; list each of them with its version and "
            "--hash=sha256:..., or leave out all hashes"
        )


def _with_allowed(package: ResolvedPackage, hashes: frozenset[str]) -> ResolvedPackage:
    """Return a package with those of its files whose hashes the user has listed."""
    wheels = tuple(wheel for wheel in package.wheels if wheel.sha256 in hashes)
    source = package.source if package.source is not None and package.source.sha256 in hashes else None
    if not wheels and source is None:
        raise InvalidEnvironment(
            f"no file of {package.name} {package.version} that fits the image has a hash that is listed for it "
            "(--hash); correct the hashes, or add that of the file for the image's platform"
        )
    return replace(package, wheels=wheels, source=source)


def _best_wheel(package: ResolvedPackage, target: Target) -> Artifact | None:
    best = target.best([wheel.file_name for wheel in package.wheels])
    return next((wheel for wheel in package.wheels if wheel.file_name == best), None)


def _locked(
    package: ResolvedPackage, artifact: Artifact, requested: bool, direct: bool, logins: dict[str, str]
) -> LockedWheel:
    from conda_docker.package.fetch.find import hash_file, local_path

    local = local_path(artifact.url)
    sha256, size = artifact.sha256, artifact.size
    if local is not None:
        sha256, size = sha256 or hash_file(local, "sha256"), local.stat().st_size
    return LockedWheel(
        name=package.name,
        version=package.version or artifact.file_name.split("-")[1],
        url=with_login(artifact.url, logins),
        sha256=sha256,
        size=size,
        source=local,
        requested=requested,
        direct=direct,
    )
