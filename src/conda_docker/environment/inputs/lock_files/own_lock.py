"""`conda-docker.lock`: exact packages for several platforms, the base image, and the options that images depend on.

JSON, written by `conda_docker.lock_files`. Nothing is asked of any channel or index to read it, and nothing is left out
that the bytes of an image depend on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from conda_docker.environment.activation_script import from_json
from conda_docker.environment.inputs.kind import InputFile, InputKind, ReadRequest
from conda_docker.environment.inputs.lock_files.location import locate
from conda_docker.environment.inputs.platform_choice import choose_subdir
from conda_docker.environment.locked import LockedBase, LockedEnvironment, LockedPackage, package_from_record
from conda_docker.environment.packages.wheels import Distribution, LockedWheel
from conda_docker.environment.virtual_packages import Origin, VirtualPackage
from conda_docker.errors import InvalidEnvironment
from python_docker.errors import reason_of

MARK = "conda-docker-lock"
"""The key whose value is the version of the form."""
VERSION = 1


def parse_own_lock(
    text: str, file_name: str = "conda-docker.lock", *, subdir: str | None = None, folder: Path | None = None
) -> LockedEnvironment:
    """Return the environment that a lock file holds for one platform.

    `subdir` is what it is wanted for; None: Linux on this machine's processor, or the one Linux platform of the file.
    Paths of wheels are relative to `folder`. Raises `InvalidEnvironment` for a file that is damaged or newer than this
    program, and for a platform that it lacks.
    """
    document = read_document(text, file_name)
    try:
        platforms = {str(entry["subdir"]): entry for entry in document["platforms"]}
        target = choose_subdir(platforms, subdir, file_name)
        return _environment(platforms[target], target, file_name, folder or Path())
    except InvalidEnvironment:
        raise
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(file_name, error) from error


def read_document(text: str, file_name: str) -> Mapping[str, Any]:
    """Return the document in a lock file. Raises `InvalidEnvironment`."""
    try:
        document = json.loads(text)
        version = document[MARK]
    except (LookupError, TypeError, ValueError, RecursionError) as error:
        raise _damaged(file_name, error) from error
    if version != VERSION:
        raise InvalidEnvironment(
            f"{file_name} is a lock file of version {str(version)[:20]}; this conda-docker reads version {VERSION}: "
            "update it, or lock again"
        )
    return dict(document)


def _damaged(file_name: str, error: Exception) -> InvalidEnvironment:
    what = f"it has no {error}" if isinstance(error, KeyError) else reason_of(error)
    return InvalidEnvironment(f"{file_name} is damaged: {what}; lock again")


def _environment(entry: Mapping[str, Any], subdir: str, file_name: str, folder: Path) -> LockedEnvironment:
    base = entry["base"]
    return LockedEnvironment(
        subdir=subdir,
        # As they were written: the order is part of what was locked.
        packages=tuple(_package(record) for record in entry["packages"]),
        wheels=tuple(_wheel(fields, folder, file_name) for fields in entry.get("wheels", ())),
        replaced=tuple(Distribution(*map(str, fields)) for fields in entry.get("replaced", ())),
        requested=_texts(entry.get("requested", ())),
        channels=_texts(entry.get("channels", ())),
        variables={str(name): str(value) for name, value in entry.get("variables", {}).items()},
        scripts=from_json(entry.get("activation-scripts", ())),
        name=entry.get("name"),
        virtual_packages=tuple(_virtual_package(text) for text in entry.get("virtual-packages", ())),
        base=LockedBase(str(base["name"]), base.get("digest")),
    )


def _package(record: Mapping[str, Any]) -> LockedPackage:
    return package_from_record(record)


def _wheel(fields: Mapping[str, Any], folder: Path, file_name: str) -> LockedWheel:
    found = locate(str(fields.get("url") or fields["path"]), folder=folder, where=file_name)
    return LockedWheel(
        name=str(fields["name"]),
        version=str(fields["version"]),
        url=found.url,
        sha256=str(fields["sha256"]),
        size=fields.get("size"),
        requires=_texts(fields.get("requires", ())),
        source=found.source,
        requested=bool(fields.get("requested", False)),
        direct=bool(fields.get("direct", False)),
    )


def _virtual_package(text: str) -> VirtualPackage:
    name, version, build = str(text).split("=")
    return VirtualPackage(name, version, build, Origin.FILE)


def _texts(items: Sequence[object]) -> tuple[str, ...]:
    return tuple(map(str, items))


def _is_own(file: InputFile) -> bool:
    return file.text.lstrip().startswith("{") and f'"{MARK}"' in file.text


def _read(request: ReadRequest) -> LockedEnvironment:
    return parse_own_lock(request.text, request.file_name, subdir=request.subdir, folder=request.folder)


def _subdirs(file: InputFile) -> frozenset[str]:
    document = read_document(file.text, str(file.path))
    try:
        return frozenset(str(entry["subdir"]) for entry in document["platforms"])
    except (LookupError, TypeError) as error:
        raise _damaged(str(file.path), error) from error


KIND = InputKind("a conda-docker lock file", _is_own, _read, subdirs=_subdirs)
