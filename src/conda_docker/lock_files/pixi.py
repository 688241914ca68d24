"""pixi.lock, version 6, as rattler's own reader takes it (rattler_lock, crates/rattler_lock/src/parse)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conda_docker.environment.inputs.lock_files.pixi_lock import DEFAULT_ENVIRONMENT
from conda_docker.lock_files.wheel_path import wheel_path
from conda_docker.lock_files.yaml_text import yaml_text

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedEnvironment, LockedPackage
    from conda_docker.environment.packages.wheels import LockedWheel

_VERSION = 6
_FIELDS = (
    "noarch",
    "depends",
    "constrains",
    "track_features",
    "features",
    "license",
    "license_family",
    "purls",
    "size",
    "timestamp",
    "python_site_packages_path",
)


def pixi_lock(environments: Sequence[LockedEnvironment], folder: Path, name: str = DEFAULT_ENVIRONMENT) -> str:
    """Return the text of a pixi.lock in `folder` with one environment, called `name`, for several platforms.

    Wheels in the folder are named by their paths in it.

    What the form has no place for is left out: what was asked for, variables, the base image, options.
    """
    packages: dict[str, dict[str, Any]] = {}
    platforms = {}
    for environment in environments:
        conda = [_conda(package) for package in environment.packages]
        pypi = [_pypi(wheel, folder) for wheel in environment.wheels if not wheel.project]
        for entry in (*conda, *pypi):
            packages.setdefault(_location(entry), entry)
        platforms[environment.subdir] = [{kind: entry[kind]} for entry in (*conda, *pypi) for kind in _kind(entry)]
    channels = dict.fromkeys(channel for environment in environments for channel in environment.channels)
    document = {
        "version": _VERSION,
        "environments": {
            name: {"channels": [{"url": channel} for channel in channels], "packages": platforms},
        },
        "packages": [packages[location] for location in sorted(packages)],
    }
    return yaml_text(document)


def _kind(entry: dict[str, Any]) -> list[str]:
    return [kind for kind in ("conda", "pypi") if kind in entry]


def _location(entry: dict[str, Any]) -> str:
    return str(entry[_kind(entry)[0]])


def _conda(package: LockedPackage) -> dict[str, Any]:
    fields = {"conda": package.public_url, "sha256": package.sha256, "md5": package.md5}
    known = {name: package.record.get(name) for name in _FIELDS} | {"timestamp": package.timestamp}
    if not package.public_url.startswith("http"):
        known["subdir"] = package.subdir  # rattler derives it from URLs of servers alone
    if package.build_number:
        known["build_number"] = package.build_number
    return fields | {name: value for name, value in known.items() if value not in (None, [], "")}


def _pypi(wheel: LockedWheel, folder: Path) -> dict[str, Any]:
    place = wheel_path(wheel, folder) or wheel.public_url
    fields = {"pypi": place, "name": wheel.name, "version": wheel.version, "sha256": wheel.sha256}
    requires = {"requires_dist": list(wheel.requires)} if wheel.requires else {}
    return {name: value for name, value in fields.items() if value is not None} | requires
