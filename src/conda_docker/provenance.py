"""What an image was made from, kept in its history: readable in any medium, without reading a layer.

Each layer's entry names the packages in it as URLs with hashes; the environment's own entry holds what was asked for.
Engines and registries keep history as it is, and `docker history` shows it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from conda_docker.environment.activation_script import from_json, to_json
from python_docker.argument_types import check_type
from python_docker.errors import NotFound
from python_docker.image import Image
from python_docker.spec.documents.manifest import History

if TYPE_CHECKING:
    from conda_docker.environment.activation_script import ActivationScript
    from conda_docker.environment.locked import LockedEnvironment, LockedPackage
    from conda_docker.environment.packages.wheels import LockedWheel
    from python_docker.image.layer import Layer

BASE_NAME = "org.opencontainers.image.base.name"
"""The label and annotation with the name of the base image (image-spec, annotations.md)."""
BASE_DIGEST = "org.opencontainers.image.base.digest"
"""The one with the digest of its manifest."""

_PACKAGES = re.compile(r"conda packages in (/.*):")
_ENVIRONMENT = re.compile(r"conda environment in (/.*):")
_LINK_SCRIPTS = re.compile(r"conda link scripts in (/.*): (?P<packages>.*)")
_PREFIX_FILES = re.compile(r"conda prefix files in (/.*):")
_BILL = "conda bill of materials: "
_WHEEL = re.compile(r"# pip (?P<name>\S+) @ (?P<url>\S+?)(?: --hash=(?P<hash>sha256:[0-9a-f]{64}))?")
_FILE_NAME = re.compile(r"(?P<name>.+)-(?P<version>[^-]+)-(?P<build>[^-]+?)(?:\.conda|\.tar\.bz2)")


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


def explicit_line(package: LockedPackage | LockedWheel) -> str:
    """Return a package as a line of an explicit file: its URL, without credentials, and its hash."""
    from conda_docker.environment.packages.wheels import LockedWheel  # not for those who read history alone

    if isinstance(package, LockedWheel):
        hash_ = f" --hash=sha256:{package.sha256}" if package.sha256 else ""
        return f"# pip {package.name} @ {package.public_url}{hash_}"
    if package.sha256:
        return f"{package.public_url}#sha256:{package.sha256}"
    return f"{package.public_url}#{package.md5}" if package.md5 else package.public_url


def packages_history(packages: Sequence[LockedPackage | LockedWheel], prefix: str, created: str) -> History:
    """Return the history entry of a layer of packages."""
    names = [package.stem for package in packages]
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    comment = "\n".join([f"conda packages in {prefix}:", *map(explicit_line, packages)])
    return History(created=created, created_by=f"conda-docker: {shown}", comment=comment)


def link_scripts_history(packages: Sequence[LockedPackage], prefix: str, created: str) -> History:
    """Return the history entry of the layer that the link scripts of `packages` made."""
    names = " ".join(package.stem for package in packages)
    return History(
        created=created, created_by="conda-docker: link scripts", comment=f"conda link scripts in {prefix}: {names}"
    )


def prefix_history(numbers: Mapping[str, int], pip: Sequence[str], prefix: str, created: str) -> History:
    """Return the history entry of a layer of what a prefix holds beyond its packages.

    `numbers` are those of its files, by the reason why they are in it; `pip` are the packages among them that pip
    installed, as `NAME==VERSION`. Paths of the machine are not named.
    """
    summary: dict[str, Any] = {"files": dict(numbers)}
    if pip:
        summary["pip"] = list(pip)
    what = "pip packages as they were" if pip else "files of the prefix"
    return History(
        created=created,
        created_by=f"conda-docker: {what}",
        comment=f"conda prefix files in {prefix}:\n{json.dumps(summary, sort_keys=True)}",
    )


def bill_history(files: Sequence[str], created: str) -> History:
    """Return the history entry of a layer with bills of materials, the `files` in the image."""
    return History(created=created, created_by="conda-docker: bill of materials", comment=f"{_BILL}{' '.join(files)}")


def is_of_bills(layer: Layer) -> bool:
    """Return whether a layer holds the bills of materials of an image."""
    return any((entry.comment or "").startswith(_BILL) for entry in layer.history)


def environment_history(
    environment: LockedEnvironment, prefix: str, created: str, build: Mapping[str, Any] | None = None
) -> History:
    """Return the history entry of an environment's own layer, with how its layers were made (`BuildRecord`)."""
    request: dict[str, Any] = {
        "requested": list(environment.requested),
        "subdir": environment.subdir,
        "variables": dict(environment.variables),
    }
    if environment.wheels:
        request["wheels"] = wheels_request(environment)
    if environment.scripts:
        request["scripts"] = to_json(environment.scripts)
    if build is not None:
        request["build"] = dict(build)
    return History(
        created=created,
        created_by="conda-docker: environment",
        comment=f"conda environment in {prefix}:\n{json.dumps(request, sort_keys=True)}",
    )


def wheels_request(environment: LockedEnvironment) -> dict[str, Any]:
    """Return what the user asked for of wheels, by name, and what they replace: the rest of what their layers depend
    on.
    """
    return {
        "requested": [wheel.name for wheel in environment.wheels if wheel.requested],
        "direct": [wheel.name for wheel in environment.wheels if wheel.direct],
        "replaced": [
            [distribution.name, distribution.version, distribution.package] for distribution in environment.replaced
        ],
    }


def read_environments(image: Image) -> list[InstalledEnvironment]:
    """Return the environments that were built into an image, or into its base, in the order of its layers.

    Raises `NotFound` when its history names none.
    """
    check_type("image", image, Image, "open_image opens one by its name")
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
                        dict(request.get("wheels", {})),
                        dict(request["build"]) if isinstance(request.get("build"), dict) else None,
                        from_json(request.get("scripts", ())),
                    )
                )
            except (ValueError, KeyError, TypeError, AttributeError):
                continue
    if not found:
        raise NotFound("the image's history names no conda packages: it was not built by conda-docker")
    return found


def prefix_of_link_scripts(layer: Layer) -> str | None:
    """Return where the environment is whose link scripts made a layer; None for another layer."""
    return _prefix(layer, _LINK_SCRIPTS)


def scripts_of_layer(layer: Layer) -> tuple[str, ...]:
    """Return the packages whose link scripts made a layer, as `NAME-VERSION-BUILD`, in their order."""
    for entry in layer.history:
        if match := _LINK_SCRIPTS.match(entry.comment or ""):
            return tuple(match["packages"].split())
    return ()


def is_of_prefix(layer: Layer) -> bool:
    """Return whether a layer holds what an environment that was copied has beyond its packages."""
    return _prefix(layer, _PREFIX_FILES) is not None


def prefix_of_environment(layer: Layer) -> str | None:
    """Return where the environment is whose own layer this is; None for another layer."""
    return _prefix(layer, _ENVIRONMENT)


def _prefix(layer: Layer, pattern: re.Pattern[str]) -> str | None:
    for entry in layer.history:
        if match := pattern.match(entry.comment or ""):
            return match[1]
    return None


def base_of(image: Image) -> tuple[str | None, str | None]:
    """Return the name and the digest of the base that an image says it was built on; None for what it does not say."""
    labels = {**image.annotations, **dict(image.config["Labels"])}
    return labels.get(BASE_NAME) or None, labels.get(BASE_DIGEST) or None


def copied_distributions(image: Image, prefix: str) -> list[tuple[str, str]]:
    """Return names and versions of what pip had installed in a prefix and an image has without a wheel."""
    found: list[tuple[str, str]] = []
    for entry in image.config_file.history or ():
        head, _, body = (entry.comment or "").partition("\n")
        match = _PREFIX_FILES.fullmatch(head)
        if match is None or match[1] != prefix:
            continue
        try:
            listed = [str(text) for text in json.loads(body).get("pip", ())]
        except (ValueError, TypeError, AttributeError):
            continue
        found += [(name, version) for name, _, version in (text.partition("==") for text in listed)]
    return found


def packages_of_layer(layer: Layer) -> tuple[InstalledPackage, ...]:
    """Return the packages that the history of a layer names, in their order, if any."""
    found: list[InstalledPackage] = []
    for entry in layer.history:
        head, _, body = (entry.comment or "").partition("\n")
        if match := _PACKAGES.fullmatch(head):
            found += _parse(body, match[1])
    return tuple(found)


def _parse(body: str, prefix: str) -> Iterator[InstalledPackage]:
    for line in body.splitlines():
        if wheel := _WHEEL.fullmatch(line):
            version = unquote(wheel["url"]).rpartition("/")[2].split("-")[1:2]
            name, url, hash_ = wheel["name"], wheel["url"], wheel["hash"]
            yield InstalledPackage(name, "".join(version), WHEEL_BUILD, url, hash_, prefix)
            continue
        url, _, hash_ = line.partition("#")
        match = _FILE_NAME.fullmatch(url.rpartition("/")[2])
        if match is not None:
            yield InstalledPackage(match["name"], match["version"], match["build"], url, hash_ or None, prefix)
