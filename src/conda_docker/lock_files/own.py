"""The form of a lock file that loses nothing, `conda-docker.lock`; `environment/inputs/own_lock` reads it back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conda_docker.cache.folder import WHEELS
from conda_docker.environment.activation_script import to_json
from conda_docker.environment.inputs.lock_files.own_lock import MARK, VERSION
from conda_docker.environment.subdirs import platform_of_subdir
from conda_docker.errors import UnsupportedInput
from conda_docker.lock_files.wheel_path import wheel_path

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedPackage
    from conda_docker.environment.packages.wheels import LockedWheel
    from conda_docker.resolution.resolve import Resolved


def own_lock(resolved: Sequence[Resolved], inputs: Mapping[str, Any], digest: str, folder: Path) -> str:
    """Return the text of a lock file in `folder`.

    `inputs` are the options that it was made with, as a declaration has them (`conda_docker.cli.declared`), and
    `digest` that of all it was made from. Wheels in the folder are named by their paths in it. Raises
    `UnsupportedInput` for packages without a SHA-256, and for wheels that were built here: nobody else could have them.
    """
    document = {
        MARK: VERSION,
        "inputs": dict(inputs),
        "inputs-digest": digest,
        "platforms": [_platform(each, folder) for each in resolved],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _platform(resolved: Resolved, folder: Path) -> dict[str, Any]:
    environment = resolved.environment
    entry: dict[str, Any] = {
        "platform": str(platform_of_subdir(environment.subdir)),
        "subdir": environment.subdir,
        "base": {"name": resolved.base_name}
        | ({} if resolved.base is None else {"digest": str(resolved.base.manifest.digest)}),
        "name": environment.name,
        "channels": list(environment.channels),
        "requested": list(environment.requested),
        "variables": dict(environment.variables),
        "activation-scripts": to_json(environment.scripts),
        "virtual-packages": [f"{each.name}={each.version}={each.build}" for each in resolved.virtual_packages],
        "packages": [_package(package) for package in environment.packages],
        # Projects are built from their folders each time.
        "wheels": [_wheel(wheel, folder) for wheel in environment.wheels if not wheel.project],
        "replaced": [[each.name, each.version, each.package] for each in environment.replaced],
    }
    return {key: value for key, value in entry.items() if value not in (None, [], {}) or key == "packages"}


def _package(package: LockedPackage) -> dict[str, Any]:
    if package.sha256 is None:
        raise UnsupportedInput(f"{package.file_name} has no SHA-256, without which it cannot be locked")
    fields = {**package.record, "url": package.public_url, "fn": package.file_name, "sha256": package.sha256}
    return dict(sorted(fields.items()))


def _wheel(wheel: LockedWheel, folder: Path) -> dict[str, Any]:
    if wheel.sha256 is None:
        raise UnsupportedInput(f"the wheel {wheel.file_name} has no SHA-256, without which it cannot be locked")
    place = {"url": wheel.public_url}
    path = wheel.source
    if path is not None and wheel.url.startswith("file:"):
        if WHEELS in path.parts:
            raise UnsupportedInput(
                f"{wheel.name} {wheel.version} was built on this machine, so nobody else could use the lock file: take "
                f"a version that an index has a wheel of, or build the wheel and put it into {folder.absolute()}"
            )
        if relative := wheel_path(wheel, folder):
            place = {"path": relative}
    fields = {
        "name": wheel.name,
        "version": wheel.version,
        **place,
        "sha256": wheel.sha256,
        "size": wheel.size,
        "requires": list(wheel.requires),
        "requested": wheel.requested,
        "direct": wheel.direct,
    }
    return {key: value for key, value in fields.items() if value not in (None, [], False)}
