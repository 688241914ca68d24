"""What the history of an image and of its layers says: environments, packages, and what a layer is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote

from conda_docker.environment.activation_script import from_json
from conda_docker.provenance.entries import BILL
from conda_docker.provenance.installed import WHEEL_BUILD, InstalledEnvironment, InstalledPackage
from python_docker.argument_types import check_type
from python_docker.errors import NotFound
from python_docker.image import Image

if TYPE_CHECKING:
    from python_docker.image.layer import Layer

_PACKAGES = re.compile(r"conda packages in (/.*):")
_ENVIRONMENT = re.compile(r"conda environment in (/.*):")
_LINK_SCRIPTS = re.compile(r"conda link scripts in (/.*): (?P<packages>.*)")
_PREFIX_FILES = re.compile(r"conda prefix files in (/.*):")
_WHEEL = re.compile(r"# pip (?P<name>\S+) @ (?P<url>\S+?)(?: --hash=(?P<hash>sha256:[0-9a-f]{64}))?")
_FILE_NAME = re.compile(r"(?P<name>.+)-(?P<version>[^-]+)-(?P<build>[^-]+?)(?:\.conda|\.tar\.bz2)")


def is_of_bills(layer: Layer) -> bool:
    """Return whether a layer holds the bills of materials of an image."""
    return any((entry.comment or "").startswith(BILL) for entry in layer.history)


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
