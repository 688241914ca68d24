"""resolve_wheels: requirements for pip become exact wheels, chosen by uv for the image's Python and platform.

What conda packages bring is given: uv takes it as it is, and it is not installed again.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from conda_docker.errors import InvalidEnvironment, UnsupportedInput
from conda_docker.pypi.build import Builder
from conda_docker.pypi.distributions import Distribution, provided_distributions
from conda_docker.pypi.failures import conflicting, unresolvable
from conda_docker.pypi.locked import LockedWheel
from conda_docker.pypi.pip_configuration import PipConfiguration, read_pip_configuration
from conda_docker.pypi.pylock import Artifact, ResolvedPackage, parse_pylock
from conda_docker.pypi.requirements import Requirements, read_requirements
from conda_docker.pypi.stand_ins import write_stand_ins
from conda_docker.pypi.target import Target, target_of
from conda_docker.pypi.uv import UvFailed, run_uv, uv_environment
from python_docker.progress import SILENT, Progress

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedEnvironment
    from conda_docker.pypi.locked import PipRequirements

_STAND_INS = "stand-ins"


@dataclass(frozen=True, slots=True, kw_only=True)
class PipOptions:
    """What the user allows: building from source, and wheels in place of conda packages."""

    allow_sdist: bool = False
    may_replace: bool = False


def resolve_wheels(
    environment: LockedEnvironment,
    *,
    cache_dir: Path,
    glibc: str | None = None,
    options: PipOptions | None = None,
    offline: bool = False,
    progress: Progress = SILENT,
) -> LockedEnvironment:
    """Return `environment` with its pip requirements resolved to wheels; as it is when it has none.

    `glibc` is the version in the base image (None: not known). Wheels that the environment has already stay. Raises
    `InvalidEnvironment` for an environment without Python and for lines that are no requirements, `UnsupportedInput`
    for sources that may not be built, and `Unsolvable` with uv's explanation.
    """
    pip = environment.pip
    if pip is None:
        return environment
    options = options or PipOptions()
    if environment.python is None:
        raise InvalidEnvironment(
            f"{pip.origin} asks pip for packages, but its environment has no Python; add python and pip to its "
            "dependencies"
        )
    target = target_of(environment.python, environment.subdir, glibc)
    requirements = read_requirements(pip)
    _check_sources(requirements, pip, options)
    configuration = read_pip_configuration().with_options(requirements.options)
    provided = provided_distributions(environment.packages, cache_dir, offline=offline, progress=progress)
    task = progress.start(f"pip packages for {target}", None)
    with tempfile.TemporaryDirectory(prefix="conda-docker-pip-") as folder:
        resolution = _Resolution(Path(folder), pip, requirements, configuration, target, options, offline)
        packages, kept = resolution.run(provided)
        builder = Builder(target, cache_dir, uv_environment(configuration, offline=offline), offline)
        wheels = _wheels(packages, requirements, configuration, builder if options.allow_sdist else None, target)
    task.finish()
    replaced = [distribution for distribution in provided if distribution not in kept]
    names = {wheel.name for wheel in wheels}
    notes = [
        f"the wheel of {distribution.name} replaces {distribution.version} of the conda package {distribution.package}"
        for distribution in replaced
        if distribution.name in names
    ]
    return replace(
        environment,
        wheels=(*(wheel for wheel in environment.wheels if wheel.name not in names), *wheels),
        pip=None,
        warnings=(*environment.warnings, *notes),
    )


def _check_sources(requirements: Requirements, pip: PipRequirements, options: PipOptions) -> None:
    if requirements.sources and not options.allow_sdist:
        shown = ", ".join(requirements.sources[:5])
        raise UnsupportedInput(
            f"{pip.origin} asks pip for what must be built from source: {shown}; allow it with --allow-sdist, which "
            "runs build scripts on this machine, or name a wheel, a version on the package index, or a conda package"
        )


@dataclass(frozen=True, slots=True)
class _Resolution:
    folder: Path
    pip: PipRequirements
    requirements: Requirements
    configuration: PipConfiguration
    target: Target
    options: PipOptions
    offline: bool

    def run(self, provided: Sequence[Distribution]) -> tuple[list[ResolvedPackage], list[Distribution]]:
        """Return the packages to install, and what conda packages bring that stays."""
        kept = [distribution for distribution in provided if not self._replaced_by_request(distribution)]
        while True:
            try:
                packages = self._compile(kept)
            except UvFailed as failure:
                blamed = conflicting(failure.output, kept) if self.options.may_replace else []
                if not blamed:
                    raise unresolvable(
                        failure.output, self.pip.origin, self.target, kept, sdists=self.options.allow_sdist
                    ) from None
                # As pip does: what is in the way of a requirement gives way to it.
                kept = [distribution for distribution in kept if distribution not in blamed]
                continue
            stand_ins = f"{(self.folder / _STAND_INS).as_uri()}/"
            return [
                package for package in packages if not any(wheel.url.startswith(stand_ins) for wheel in package.wheels)
            ], kept

    def _replaced_by_request(self, distribution: Distribution) -> bool:
        """Return whether the user names a wheel or a source for what a conda package brings."""
        if distribution.name not in self.requirements.direct:
            return False
        if self.options.may_replace:
            return True
        raise UnsupportedInput(
            f"{self.pip.origin} gives a URL or path for {distribution.name}, which comes with the conda package "
            f"{distribution.package} already: leave one of the two out, or let the wheel replace the conda package's "
            "files with --pip-may-replace"
        )

    def _compile(self, provided: Sequence[Distribution]) -> tuple[ResolvedPackage, ...]:
        stand_ins = self.folder / _STAND_INS
        stand_ins.mkdir(exist_ok=True)
        constraints = [*self.requirements.constraints, *write_stand_ins(provided, stand_ins)]
        for name, lines in (("requirements.in", self.requirements.lines), ("constraints.txt", constraints)):
            (self.folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        arguments = ["pip", "compile", "requirements.in", "--constraints", "constraints.txt"]
        for path in self.configuration.constraints:
            arguments += ["--constraints", path]
        arguments += ["--python-version", self.target.python, "--python-platform", self.target.uv_platform]
        arguments += ["--format", "pylock.toml", "--generate-hashes", "--no-header", "--no-python-downloads"]
        if not self.options.allow_sdist:
            arguments += ["--only-binary", ":all:"]
        if self.configuration.no_index:
            arguments.append("--no-index")
        if sys.executable:
            # Any interpreter will do to compare tags with; this one is there.
            arguments += ["--python", sys.executable]
        output, _ = run_uv(arguments, self.folder, uv_environment(self.configuration, offline=self.offline))
        return parse_pylock(output, self.folder)


def _wheels(
    packages: Sequence[ResolvedPackage],
    requirements: Requirements,
    configuration: PipConfiguration,
    builder: Builder | None,
    target: Target,
) -> list[LockedWheel]:
    logins = _logins(configuration)
    wheels = []
    for package in packages:
        artifact = _best_wheel(package, target)
        if artifact is None:
            if builder is None:
                raise UnsupportedInput(f"{package.name} has no wheel for {target}; build it with --allow-sdist")
            artifact = Artifact(builder.build(package).as_uri())
        requested = package.name in requirements.named or (package.direct and not package.wheels)
        wheels.append(_locked(package, artifact, requested, package.direct, logins))
    # What the user named last: it wins where wheels meet.
    return sorted(wheels, key=lambda wheel: (wheel.requested, wheel.name))


def _best_wheel(package: ResolvedPackage, target: Target) -> Artifact | None:
    best = target.best([wheel.file_name for wheel in package.wheels])
    return next((wheel for wheel in package.wheels if wheel.file_name == best), None)


def _locked(
    package: ResolvedPackage, artifact: Artifact, requested: bool, direct: bool, logins: dict[str, str]
) -> LockedWheel:
    local = _local_path(artifact.url)
    sha256, size = artifact.sha256, artifact.size
    if local is not None:
        from conda_docker.package.find import hash_file

        sha256, size = sha256 or hash_file(local, "sha256"), local.stat().st_size
    return LockedWheel(
        name=package.name,
        version=package.version or artifact.file_name.split("-")[1],
        url=_with_login(artifact.url, logins),
        sha256=sha256,
        size=size,
        source=local,
        requested=requested,
        direct=direct,
    )


def _local_path(url: str) -> Path | None:
    if not url.startswith("file:"):
        return None
    from urllib.request import url2pathname

    return Path(url2pathname(urlsplit(url).path))


def _logins(configuration: PipConfiguration) -> dict[str, str]:
    """Return the logins that stand in the URLs of indexes, by host and port: files of an index need them too."""
    urls: Collection[str | None] = (configuration.index_url, *configuration.extra_index_urls, *configuration.find_links)
    logins = {}
    for url in urls:
        login, at, host = urlsplit(url or "").netloc.rpartition("@")
        if at:
            logins[host] = login
    return logins


def _with_login(url: str, logins: dict[str, str]) -> str:
    parts = urlsplit(url)
    login = logins.get(parts.netloc)
    return parts._replace(netloc=f"{login}@{parts.netloc}").geturl() if login else url
