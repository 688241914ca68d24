"""Advisories from a local database in the OSV format (https://ossf.github.io/osv-schema/): nothing is asked elsewhere.

Such a database is what `all.zip` of an ecosystem holds at OSV's, or a mirror of an organisation: JSON files, one an
advisory. Only distributions of the Python index are looked up: no database knows conda packages.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conda_docker.environment.packages.wheels import normalize_name
from conda_docker.errors import InvalidPolicy, PolicyNotFound
from conda_docker.policy.advisories.advisory import Advisory, Distributions
from python_docker.errors import reason_of

if TYPE_CHECKING:
    from packaging.version import Version

_LARGEST = 16 << 20  # bytes of one advisory


def find(database: Path, distributions: Distributions) -> Iterator[Advisory]:
    """Yield what a database, a folder or a zip archive, says of some distributions; each advisory is read once.

    Raises `InvalidPolicy` for a database, or a file of it, that cannot be read, and for one that holds no advisory on
    the Python index: it would find everything free of them.
    """
    versions: dict[str, list[str]] = {}
    for name, version in distributions:
        versions.setdefault(name, []).append(version)
    count, of_python = 0, False
    for place, raw in _documents(database):
        advisory = _parse(raw, place, database)
        count += 1
        affected = [(_distribution(one), one) for one in advisory.get("affected") or ()]
        of_python = of_python or any(name is not None for name, _ in affected)
        if advisory.get("withdrawn"):
            continue
        found = {
            (name, version)
            for name, one in affected
            if name is not None
            for version in versions.get(name, ())
            if _matches(version, one)
        }
        aliases = tuple(map(str, advisory.get("aliases") or ()))
        for name, version in sorted(found):
            yield Advisory(name, version, str(advisory["id"]), aliases)
    if not count:
        raise InvalidPolicy(f"the OSV database {database} holds no advisory")
    if not of_python:
        raise InvalidPolicy(
            f"the OSV database {database} holds no advisory of the PyPI ecosystem, the only one that is looked up"
        )


def _documents(database: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the JSON files of a database and their names: those below a folder, or in a zip archive."""
    try:
        if database.is_dir():
            for path in sorted(database.rglob("*.json")):
                if path.is_file():
                    _check_size(path.stat().st_size, str(path), database)
                    yield str(path), path.read_bytes()
            return
        if database.exists() and not database.is_file():
            raise InvalidPolicy(f"the OSV database {database} is neither a folder nor a zip archive")
        with zipfile.ZipFile(database) as archive:
            for member in archive.infolist():
                if member.filename.endswith(".json"):
                    _check_size(member.file_size, member.filename, database)
                    yield member.filename, archive.read(member)
    except FileNotFoundError:
        raise PolicyNotFound(f"there is no OSV database {database}") from None
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise InvalidPolicy(f"the OSV database {database} cannot be read: {reason_of(error)}") from None


def _check_size(size: int, place: str, database: Path) -> None:
    if size > _LARGEST:
        raise InvalidPolicy(f"the OSV database {database}: {place} is larger than any advisory ({size} bytes)")


def _parse(raw: bytes, place: str, database: Path) -> Mapping[str, Any]:
    """Return an advisory. Raises `InvalidPolicy` for anything else: nobody knows what it would have said."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise InvalidPolicy(f"the OSV database {database}: {place} cannot be read: {reason_of(error)}") from None
    if not isinstance(value, dict) or not isinstance(value.get("id"), str):
        raise InvalidPolicy(f"the OSV database {database}: {place} is not an advisory: it has no id")
    if not isinstance(value.get("affected") or [], list):
        raise InvalidPolicy(f"the OSV database {database}: {place} has no list of what is affected")
    return value


def _distribution(affected: Any) -> str | None:
    package = affected.get("package") if isinstance(affected, dict) else None
    if not isinstance(package, dict):
        return None
    # The schema's word is PyPI, and may have a suffix; a mirror that writes it in lower case means the same.
    if str(package.get("ecosystem")).partition(":")[0].lower() != "pypi":
        return None
    return normalize_name(str(package.get("name")))


def _matches(version: str, affected: Mapping[str, Any]) -> bool:
    """Return whether a version is affected (OSV schema, "Evaluation"): it is listed, or within a range.

    What cannot be told counts as affected: a version or a bound that is not one of Python's, and an entry that says
    nothing but which commits of a repository are affected.
    """
    from packaging.version import InvalidVersion, Version

    listed = affected.get("versions") or ()
    if version in listed:
        return True
    ranges = [entry for entry in affected.get("ranges") or () if not _of_commits(entry)]
    if not ranges:
        return not listed
    try:
        found = Version(version)
        return any(_within(found, entry["events"]) for entry in ranges)
    except (InvalidVersion, KeyError, TypeError, AttributeError):
        return True


def _of_commits(entry: Any) -> bool:
    return isinstance(entry, dict) and entry.get("type") == "GIT"


def _within(version: Version, events: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether a version is within a range. Raises `InvalidVersion` for a bound that is none."""
    from packaging.version import Version

    def key(event: Mapping[str, Any]) -> Version:
        text = str(next(iter(event.values())))
        return Version("0.dev0") if text == "0" else Version(text)

    affected = False
    for event in sorted(events, key=key):
        moment = key(event)
        if "introduced" in event and version >= moment:
            affected = True
        elif ("fixed" in event and version >= moment) or ("last_affected" in event and version > moment):
            affected = False
    return affected
