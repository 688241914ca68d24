"""What an image was made from, kept in its history: readable in any medium, without reading a layer.

Each layer's entry names the packages in it as URLs with hashes; the environment's own entry holds what was asked for.
Engines and registries keep history as it is, and `docker history` shows it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_docker.errors import NotFound
from python_docker.spec.documents import History

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedEnvironment, LockedPackage
    from python_docker.image import Image

_PACKAGES = re.compile(r"conda packages in (/.*):")
_ENVIRONMENT = re.compile(r"conda environment in (/.*):")
_FILE_NAME = re.compile(r"(?P<name>.+)-(?P<version>[^-]+)-(?P<build>[^-]+?)(?:\.conda|\.tar\.bz2)")


@dataclass(frozen=True, slots=True)
class InstalledPackage:
    """A package in an image, as its history names it. `hash` is `sha256:<hex>` or an MD5 in hexadecimal digits."""

    name: str
    version: str
    build: str
    url: str
    hash: str | None
    prefix: str

    @property
    def channel(self) -> str:
        """The URL of the channel: the package's without subdir and file name."""
        return self.url.rsplit("/", 2)[0]


@dataclass(frozen=True, slots=True)
class InstalledEnvironment:
    """An environment in an image: where it is, what was asked for, and all its packages."""

    prefix: str
    subdir: str
    requested: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    packages: tuple[InstalledPackage, ...] = ()

    def explicit(self) -> str:
        """An `@EXPLICIT` file with which `conda-docker build -f` makes the same environment, and conda too."""
        request = {"requested": list(self.requested), "variables": dict(self.variables)}
        lines = [f"# platform: {self.subdir}", f"# conda-docker: {json.dumps(request, sort_keys=True)}", "@EXPLICIT"]
        lines += [f"{package.url}#{package.hash}" if package.hash else package.url for package in self.packages]
        return "\n".join(lines) + "\n"


def explicit_url(package: LockedPackage) -> str:
    """A package as a line of an explicit file: its URL, without credentials, and its hash."""
    if package.sha256:
        return f"{package.public_url}#sha256:{package.sha256}"
    return f"{package.public_url}#{package.md5}" if package.md5 else package.public_url


def packages_history(packages: Sequence[LockedPackage], prefix: str, created: str) -> History:
    """The history entry of a layer of packages."""
    names = [f"{package.name}-{package.version}-{package.build}" for package in packages]
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    comment = "\n".join([f"conda packages in {prefix}:", *map(explicit_url, packages)])
    return History(created=created, created_by=f"conda-docker: {shown}", comment=comment)


def environment_history(environment: LockedEnvironment, prefix: str, created: str) -> History:
    """The history entry of an environment's own layer."""
    request = {
        "requested": list(environment.requested),
        "subdir": environment.subdir,
        "variables": dict(environment.variables),
    }
    return History(
        created=created,
        created_by="conda-docker: environment",
        comment=f"conda environment in {prefix}:\n{json.dumps(request, sort_keys=True)}",
    )


def read_environments(image: Image) -> list[InstalledEnvironment]:
    """The environments that were built into an image, or into its base, in the order of its layers.

    Raises `NotFound` when its history names none.
    """
    packages: dict[str, list[InstalledPackage]] = {}
    found: list[InstalledEnvironment] = []
    for entry in image.config_file.history or ():
        head, _, body = (entry.comment or "").partition("\n")
        if match := _PACKAGES.fullmatch(head):
            packages.setdefault(match[1], []).extend(_parse(body, match[1]))
        elif match := _ENVIRONMENT.fullmatch(head):
            try:
                request = json.loads(body)
                found.append(
                    InstalledEnvironment(
                        match[1],
                        str(request["subdir"]),
                        tuple(map(str, request["requested"])),
                        {str(key): str(value) for key, value in request["variables"].items()},
                        tuple(packages.pop(match[1], ())),
                    )
                )
            except (ValueError, KeyError, TypeError, AttributeError):
                continue
    if not found:
        raise NotFound("the image's history names no conda packages: it was not built by conda-docker")
    return found


def _parse(body: str, prefix: str) -> Iterator[InstalledPackage]:
    for line in body.splitlines():
        url, _, hash_ = line.partition("#")
        match = _FILE_NAME.fullmatch(url.rpartition("/")[2])
        if match is not None:
            yield InstalledPackage(match["name"], match["version"], match["build"], url, hash_ or None, prefix)
