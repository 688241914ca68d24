"""Resolution: uv asked until its answer holds, with a stand-in for each thing that conda packages bring."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.bounded.limit import usual_bounds
from conda_docker.environment.packages.wheels import Distribution, normalize_name
from conda_docker.errors import UnsupportedInput
from conda_docker.pypi.pip_configuration import PipConfiguration
from conda_docker.pypi.requirements import Requirements
from conda_docker.pypi.resolve.failures import conflicting, unresolvable
from conda_docker.pypi.resolve.pylock import ResolvedPackage, parse_pylock
from conda_docker.pypi.resolve.source_tree import stated_name
from conda_docker.pypi.resolve.stand_ins import write_stand_ins
from conda_docker.pypi.resolve.target import Target
from conda_docker.pypi.resolve.uv import UvFailed, run_uv, uv_environment

if TYPE_CHECKING:
    from conda_docker.environment.packages.wheels import PipRequirements

_STAND_INS = "stand-ins"
_MOST_UNFIT = 200  # versions that are tried in vain
_WITHOUT_EXTRA = re.compile(r"The package `([a-z0-9-]+)(?: @ |==)([^`]*)` does not have an extra named `([^`]*)`")


@dataclass(frozen=True, slots=True, kw_only=True)
class PipOptions:
    """What the user allows: building from source, wheels in place of conda packages, files published until a moment.

    `dependencies` false takes the requirements as they are, and nothing that they need. All of it may take `seconds`,
    None for as long as it takes. `projects` are folders, without links, that are built whatever else is allowed;
    without `build_projects` they are left out, and what they need is not.
    """

    allow_sdist: bool = False
    projects: tuple[Path, ...] = ()
    build_projects: bool = True
    may_replace: bool = False
    exclude_newer: datetime | None = None
    dependencies: bool = True
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Resolution:
    """Requirements on their way to packages; `folder` is empty, and uv's alone."""

    folder: Path
    pip: PipRequirements
    requirements: Requirements
    configuration: PipConfiguration
    target: Target
    options: PipOptions
    offline: bool
    extras_of: Callable[[Distribution], tuple[str, ...]]
    """Gives the lines of metadata about the extras of what a conda package brings."""
    begun: float = field(default_factory=time.monotonic)
    missing_extras: dict[tuple[str, str], None] = field(default_factory=dict)
    """The extras that packages turned out not to have, as names of packages and of extras, in order."""

    def run(
        self, provided: Sequence[Distribution], locked: Sequence[Distribution] = ()
    ) -> tuple[list[ResolvedPackage], list[Distribution]]:
        """Return the packages to install, and what conda packages bring that stays.

        `locked` are wheels that are there in any case.
        """
        kept = [distribution for distribution in provided if not self._replaced_by_request(distribution)]
        extras: dict[str, tuple[str, ...]] = {}
        unfit: list[ResolvedPackage] = []
        fallback: list[ResolvedPackage] | None = None
        while True:
            try:
                packages, wanted = self._compile([*kept, *locked], extras, unfit)
            except UvFailed as failure:
                if fallback is not None:
                    return fallback, kept  # whoever takes its wheels says which package has none that fits
                blamed = conflicting(failure.output, kept) if self.options.may_replace else []
                if not blamed:
                    raise unresolvable(
                        failure.output, self.pip, self.target, provided, sdists=self.options.allow_sdist
                    ) from None
                # As pip does: what is in the way of a requirement gives way to it.
                kept = [distribution for distribution in kept if distribution not in blamed]
                continue
            asked = [distribution for distribution in kept if distribution.name in wanted - extras.keys()]
            if asked:
                # Read when it matters, which is seldom: it takes unpacking the conda package.
                extras |= {distribution.name: self.extras_of(distribution) for distribution in asked}
                continue
            stand_ins = f"{(self.folder / _STAND_INS).as_uri()}/"
            packages = [
                package for package in packages if not any(wheel.url.startswith(stand_ins) for wheel in package.wheels)
            ]
            more = [package for package in packages if self._is_unfit(package)]
            if not more or len(unfit) > _MOST_UNFIT:
                return packages, kept
            unfit += more
            fallback = fallback or packages

    def _projects(self) -> set[Path]:
        """Return the folders of projects that the requirements name."""
        return {tree for tree in self.requirements.trees.values() if tree in self.options.projects}

    def _is_unfit(self, package: ResolvedPackage) -> bool:
        """Return whether a version that uv has chosen has no wheel for the target, so that another one may do.

        Happens where uv was asked for the wheels of every platform.
        """
        if self.target.is_for_uv or self.options.allow_sdist or package.direct or package.version is None:
            return False
        return self.target.best([wheel.file_name for wheel in package.wheels]) is None

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

    def _compile(
        self,
        provided: Sequence[Distribution],
        extras: Mapping[str, tuple[str, ...]],
        unfit: Sequence[ResolvedPackage],
    ) -> tuple[list[ResolvedPackage], set[str]]:
        """Return uv's answer without `unfit`, and the names of packages that lack extras that something asks for.

        Which extras these are is in `missing_extras` then.
        """
        stand_ins = self.folder / _STAND_INS
        stand_ins.mkdir(exist_ok=True)
        constraints = [*self.requirements.constraints, *write_stand_ins(provided, stand_ins, extras)]
        constraints += [f"{package.name} != {package.version}" for package in unfit]
        indexed = [line for line in self.requirements.lines if _name_of(line) in self.pip.indexes]
        files = {
            "requirements.in": [line for line in self.requirements.lines if line not in indexed],
            "constraints.txt": constraints,
            "overrides.txt": self.pip.overrides,
            # Only a project can say that a package comes from an index and that nothing else does.
            "pyproject.toml": _project(indexed, self.pip.indexes) if indexed else (),
        }
        for name, lines in files.items():
            (self.folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        arguments = ["pip", "compile", "requirements.in", "--constraints", "constraints.txt"]
        arguments += ["pyproject.toml"] * bool(indexed) + ["--overrides", "overrides.txt"] * bool(self.pip.overrides)
        if self.pip.index_strategy is not None:
            arguments += ["--index-strategy", self.pip.index_strategy]
        for path in self.configuration.constraints:
            arguments += ["--constraints", path]
        arguments += ["--python-version", self.target.python]
        # For another Python uv can only be asked for every platform's wheels: among them are the right ones.
        arguments += ["--python-platform", self.target.uv_platform] if self.target.is_for_uv else ["--universal"]
        arguments += ["--format", "pylock.toml", "--generate-hashes", "--no-header", "--no-python-downloads"]
        if not self.options.allow_sdist:
            arguments += ["--only-binary", ":all:"]
            for name in sorted(filter(None, map(stated_name, self._projects()))):
                arguments += ["--no-binary", name]
        else:
            for name in ("no-binary", "only-binary"):
                for package in self.requirements.options.get(name, ()):
                    arguments += [f"--{name}", package]
        if self.options.exclude_newer is not None:
            arguments += ["--exclude-newer", self.options.exclude_newer.isoformat()]
        if not self.options.dependencies:
            arguments.append("--no-deps")
        if self.configuration.no_index:
            arguments.append("--no-index")
        if sys.executable:
            # Any interpreter will do to compare tags with; this one is there.
            arguments += ["--python", sys.executable]
        limit = self.options.seconds
        left = None if limit is None else self.begun + limit - time.monotonic()
        environment = uv_environment(self.configuration, offline=self.offline)
        output, said = run_uv(arguments, self.folder, environment, seconds=left, memory=usual_bounds().memory)
        packages = [row for row in parse_pylock(output, self.folder) if self.target.applies(row.marker)]
        self.missing_extras.clear()
        self.missing_extras.update({(name, extra): None for name, _, extra in _WITHOUT_EXTRA.findall(said)})
        return packages, {name for name, _ in self.missing_extras}


def _name_of(requirement: str) -> str:
    """Return the normalized name at the start of a requirement; of a path or URL something that is not a name."""
    return normalize_name(re.split(r"[^\w.-]", requirement, maxsplit=1)[0])


def _project(requirements: Sequence[str], indexes: Mapping[str, str]) -> list[str]:
    """Return a pyproject.toml that asks for `requirements`, each from its index alone."""
    names = sorted(set(map(_name_of, requirements)))
    lines = ["[project]", 'name = "conda-docker-request"', 'version = "0"']
    lines += [f"dependencies = {json.dumps(requirements)}", "[tool.uv.sources]"]
    lines += [f'{name} = {{ index = "index-of-{name}" }}' for name in names]
    for name in names:
        lines += ["[[tool.uv.index]]", f'name = "index-of-{name}"', f"url = {json.dumps(indexes[name])}"]
        lines += ["explicit = true"]
    return lines
