"""Entries of an image's history that say what its layers were made from; `reading` takes them apart again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from conda_docker.arguments.listing import first_of
from python_docker.spec.documents.image_config import History

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedEnvironment, LockedPackage
    from conda_docker.environment.packages.wheels import LockedWheel

BILL = "conda bill of materials: "
"""How the comment of a layer with bills begins."""


def explicit_line(package: LockedPackage | LockedWheel) -> str:
    """Return a package as a line of an explicit file: its URL, without credentials, and its hash."""
    from conda_docker.environment.locked import LockedPackage  # not for those who read history alone

    if not isinstance(package, LockedPackage):
        hash_ = f" --hash=sha256:{package.sha256}" if package.sha256 else ""
        return f"# pip {package.name} @ {package.public_url}{hash_}"
    if package.sha256:
        return f"{package.public_url}#sha256:{package.sha256}"
    return f"{package.public_url}#{package.md5}" if package.md5 else package.public_url


def packages_history(packages: Sequence[LockedPackage | LockedWheel], prefix: str, created: str) -> History:
    """Return the history entry of a layer of packages."""
    names = [package.stem for package in packages]
    shown = first_of(names, 3)
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
    return History(created=created, created_by="conda-docker: bill of materials", comment=f"{BILL}{' '.join(files)}")


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
        from conda_docker.environment.activation_script import to_json

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
