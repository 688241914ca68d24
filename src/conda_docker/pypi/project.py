"""Projects of the user's own: a folder with a pyproject.toml becomes a wheel, by `uv build`."""

from __future__ import annotations

import email.parser
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion

from conda_docker.environment.packages.wheels import Distribution, LockedWheel
from conda_docker.errors import EnvironmentNotFound, InvalidEnvironment, Unsolvable
from conda_docker.package.fetch.find import hash_file
from conda_docker.pypi.distributions import provided_distributions
from conda_docker.pypi.pip_configuration import read_pip_configuration
from conda_docker.pypi.resolve.build import Builder
from conda_docker.pypi.resolve.pylock import ResolvedPackage
from conda_docker.pypi.resolve.target import Target, target_of
from conda_docker.pypi.resolve.uv import uv_environment
from conda_docker.pypi.wheel.archive import open_wheel
from conda_docker.user_files import read_text
from python_docker.progress import SILENT, Progress

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedEnvironment


def with_projects(
    environment: LockedEnvironment,
    folders: Sequence[Path],
    *,
    cache_dir: Path,
    glibc: str | None = None,
    offline: bool = False,
    download: bool = True,
    progress: Progress = SILENT,
) -> LockedEnvironment:
    """Return `environment` with the wheels of the projects in `folders`, after all others.

    Each is built anew when a file of its has changed, which runs its build backend on this machine. It takes the place
    of whatever else has its name. What it needs and nothing brings is a warning. `glibc` is the version in the base
    image. Raises `InvalidEnvironment` for a folder without a pyproject.toml, and for an environment without Python;
    `Unsolvable` for a project that requires another Python; `BuildFailed`, and `UnsupportedInput` for compiled code
    that does not fit the image.
    """
    if not folders:
        return environment
    for folder in folders:
        _check_project(folder)
    if environment.python is None:
        raise InvalidEnvironment(f"{folders[0]} needs a Python to be installed for; add python to the environment")
    target = target_of(environment.python, environment.subdir, glibc)
    uv = uv_environment(read_pip_configuration(), offline=offline)
    builder = Builder(target, cache_dir, uv, offline)
    provided = provided_distributions(environment.packages, cache_dir, offline=offline or not download)
    wheels = {wheel.name: wheel for wheel in environment.wheels}
    warnings = []
    projects: dict[str, LockedWheel] = {}
    for folder in folders:
        task = progress.start(f"build {folder}", None)
        wheel = _built(builder, folder)
        task.finish()
        if wheel.name in projects:
            raise InvalidEnvironment(f"{folder} is called {wheel.name}, as another of the projects is")
        projects[wheel.name] = wheel
        wheels.pop(wheel.name, None)
    versions = {each.name: each.version for each in provided}
    versions |= {name: wheel.version for name, wheel in (wheels | projects).items()}
    for wheel in projects.values():
        missing = sorted(_missing(wheel, versions, target))
        if missing:
            are = "is" if len(missing) == 1 else "are"
            warnings.append(f"{wheel.name} requires {', '.join(missing)}, which {are} not in the environment")
    return _installed_over(environment, wheels, projects, provided, warnings)


def _installed_over(
    environment: LockedEnvironment,
    wheels: dict[str, LockedWheel],
    projects: dict[str, LockedWheel],
    provided: Sequence[Distribution],
    warnings: Sequence[str],
) -> LockedEnvironment:
    """Return the environment with projects in the place of what else has their names."""
    replaced = {
        each.name: each for each in (*environment.replaced, *(each for each in provided if each.name in projects))
    }
    installed = environment.installed
    if installed is not None:
        same = tuple(each for each in installed.distributions if each.name in projects)
        others = tuple(each for each in installed.distributions if each.name not in projects)
        installed = replace(installed, distributions=others, as_wheels=(*installed.as_wheels, *same))
    return replace(
        environment,
        wheels=(*wheels.values(), *projects.values()),
        replaced=tuple(replaced[name] for name in sorted(replaced)),
        installed=installed,
        warnings=(*environment.warnings, *warnings),
    )


def _check_project(folder: Path) -> None:
    if not folder.exists():
        raise EnvironmentNotFound(f"there is no folder {folder} with a project")
    if not (folder / "pyproject.toml").is_file():
        raise InvalidEnvironment(f"{folder} is not the folder of a project: it has no pyproject.toml")


def _built(builder: Builder, folder: Path) -> LockedWheel:
    pyproject = folder / "pyproject.toml"
    # Before it is built, which could fail for that; what the wheel says counts too, for it need not stand in the file.
    _check_python(_stated_python(pyproject), builder.target, pyproject)
    path = builder.build(ResolvedPackage(folder.absolute().name, None, tree=folder.absolute(), direct=True))
    try:
        name, version, *_ = parse_wheel_filename(path.name)
    except (ValueError, InvalidVersion) as error:
        raise InvalidEnvironment(f"{folder} builds a wheel that cannot be used: {error}") from error
    wheel = open_wheel(path)
    with wheel.reading() as reader:
        metadata = email.parser.HeaderParser().parsestr(reader.metadata("METADATA"))
    _check_python(metadata.get("Requires-Python"), builder.target, folder)
    return LockedWheel(
        name=name,
        version=str(version),
        # It is nowhere but here; a path of this machine would make the image another one elsewhere.
        url=f"file:///{path.name}",
        sha256=hash_file(path, "sha256"),
        size=path.stat().st_size,
        requires=tuple(metadata.get_all("Requires-Dist") or ()),
        source=path,
        requested=True,
        project=True,
    )


def _stated_python(pyproject: Path) -> object:
    """Return `requires-python` of a project; None where there is none, or the file is one that uv will refuse."""
    try:
        project = tomllib.loads(read_text(pyproject)).get("project")
    except InvalidEnvironment:
        raise
    except (ValueError, RecursionError):
        return None
    return project.get("requires-python") if isinstance(project, dict) else None


def _check_python(wanted: object, target: Target, what: Path) -> None:
    """Raise `Unsolvable` if a project requires another Python; uv builds a wheel all the same."""
    if not isinstance(wanted, str):
        return
    try:
        fits = SpecifierSet(wanted).contains(target.python, prereleases=True)
    except InvalidSpecifier as error:
        raise InvalidEnvironment(f"{what}: requires-python is not a version specifier: {error}") from error
    if not fits:
        raise Unsolvable(
            f"{what} requires Python {wanted}, and the environment has Python {target.python}; ask for another python, "
            "or change requires-python"
        )


def _missing(wheel: LockedWheel, versions: dict[str, str], target: Target) -> Iterator[str]:
    """Yield the requirements of a wheel that the environment does not meet."""
    for line in wheel.requires:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        if requirement.marker is not None and not target.applies(f"({requirement.marker})"):
            continue
        version = versions.get(canonicalize_name(requirement.name))
        if version is None:
            yield line.partition(";")[0].strip()
        elif not requirement.specifier.contains(version, prereleases=True):
            yield f"{line.partition(';')[0].strip()} (there is {version})"
