"""conda-lock.yml, version 1, as conda-lock reads it (conda_lock/lockfile/v1/models.py)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conda_docker.environment.packages.topological_order import match_spec_name
from conda_docker.environment.packages.wheels import normalize_name
from conda_docker.lock_files.yaml_text import yaml_text

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedEnvironment, LockedPackage
    from conda_docker.environment.packages.wheels import LockedWheel


def conda_lock(environments: Sequence[LockedEnvironment], sources: Sequence[Path], digest: str) -> str:
    """Return the text of a conda-lock.yml for several platforms, made from the files `sources`.

    `digest` is that of all it was made from. What the form has no place for is left out: what was asked for, variables,
    the base image, options.
    """
    channels = dict.fromkeys(channel for environment in environments for channel in environment.channels)
    document = {
        "version": 1,
        "metadata": {
            "content_hash": {environment.subdir: digest for environment in environments},
            "channels": [{"url": channel, "used_env_vars": []} for channel in channels],
            "platforms": [environment.subdir for environment in environments],
            "sources": [path.as_posix() for path in sources],
        },
        "package": [entry for environment in environments for entry in _entries(environment)],
    }
    return yaml_text(document)


def _entries(environment: LockedEnvironment) -> list[dict[str, Any]]:
    conda = [_conda(package, environment.subdir) for package in environment.packages]
    pip = [_pip(wheel, environment.subdir) for wheel in environment.wheels if not wheel.project]
    return [*conda, *pip]


def _conda(package: LockedPackage, platform: str) -> dict[str, Any]:
    depends = {match_spec_name(spec): spec.partition(" ")[2] for spec in package.depends}
    hashes = {"md5": package.md5, "sha256": package.sha256}
    return _entry(package.name, package.version, "conda", platform, depends, package.public_url, hashes)


def _pip(wheel: LockedWheel, platform: str) -> dict[str, Any]:
    depends = {}
    for line in wheel.requires:
        requirement = line.partition(";")[0].strip()
        name = match_spec_name(requirement)
        depends[normalize_name(name)] = requirement[len(name) :].strip() or "*"
    return _entry(wheel.name, wheel.version, "pip", platform, depends, wheel.public_url, {"sha256": wheel.sha256})


def _entry(
    name: str,
    version: str,
    manager: str,
    platform: str,
    depends: dict[str, str],
    url: str,
    hashes: dict[str, str | None],
) -> dict[str, Any]:
    return {
        "name": name,
        "version": version,
        "manager": manager,
        "platform": platform,
        "dependencies": depends,
        "url": url,
        "hash": {kind: value for kind, value in hashes.items() if value is not None},
        "category": "main",
        "optional": False,
    }
