"""What an image has been built from, as its history names it: environments and their packages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conda_docker.environment.activation_script import to_json

if TYPE_CHECKING:
    from conda_docker.environment.activation_script import ActivationScript

WHEEL_BUILD = "pypi_0"
"""What stands for a wheel's build string where conda shows one."""


@dataclass(frozen=True, slots=True)
class InstalledPackage:
    """A package in an image, as its history names it. `hash` is `sha256:<hex>` or an MD5 in hexadecimal digits.

    A wheel has the build `pypi_0` and the channel `pypi`, as `conda list` shows it.
    """

    name: str
    version: str
    build: str
    url: str
    hash: str | None
    prefix: str

    @property
    def is_wheel(self) -> bool:
        """Whether it is a wheel, rather than a conda package."""
        return self.build == WHEEL_BUILD

    def explicit(self) -> str:
        """Return the package as a line of an explicit list; a wheel is a comment to conda, as conda-lock writes it."""
        if self.is_wheel:
            return f"# pip {self.name} @ {self.url}" + (f" --hash={self.hash}" if self.hash else "")
        return f"{self.url}#{self.hash}" if self.hash else self.url

    @property
    def channel(self) -> str:
        """The URL of the channel: the package's without subdir and file name."""
        if self.is_wheel:
            return "pypi"
        return self.url.rsplit("/", 2)[0]


@dataclass(frozen=True, slots=True)
class InstalledEnvironment:
    """An environment in an image: where it is, what was asked for, and all its packages."""

    prefix: str
    subdir: str
    requested: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    packages: tuple[InstalledPackage, ...] = ()
    wheels: Mapping[str, Any] = field(default_factory=dict)
    """What was asked for of wheels; see `wheels_request`."""
    build: Mapping[str, Any] | None = None
    """How its layers were made, as `BuildRecord` reads it; None where the image does not say."""
    scripts: tuple[ActivationScript, ...] = ()
    """The project's own activation scripts."""

    def explicit(self) -> str:
        """Return an `@EXPLICIT` file with which `conda-docker build -f` makes the same environment, and conda too."""
        request: dict[str, Any] = {"requested": list(self.requested), "variables": dict(self.variables)}
        if self.wheels:
            request["wheels"] = dict(self.wheels)
        if self.scripts:
            request["scripts"] = to_json(self.scripts)
        lines = [f"# platform: {self.subdir}", f"# conda-docker: {json.dumps(request, sort_keys=True)}", "@EXPLICIT"]
        lines += [package.explicit() for package in self.packages]
        return "\n".join(lines) + "\n"
