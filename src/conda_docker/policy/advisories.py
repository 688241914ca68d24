"""Advisories from a local database in the OSV format (https://ossf.github.io/osv-schema/): nothing is asked elsewhere.

Such a database is what `all.zip` of an ecosystem holds at OSV's, or a mirror of an organisation: JSON files, one an
advisory. Only distributions of the Python index are looked up: no database knows conda packages.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conda_docker.environment.wheels import normalize_name
from conda_docker.errors import InvalidPolicy

if TYPE_CHECKING:
    from packaging.version import Version

_LARGEST = 16 << 20  # bytes of one advisory


class Advisories:
    """The advisories on some distributions, read once."""

    def __init__(self, database: Path, names: Collection[str], ignored: Collection[str] = ()) -> None:
        """Read what a database says of distributions with these normalized names, but for `ignored` advisories.

        Raises `InvalidPolicy` for a database, or a file of it, that cannot be read, and for one that holds no advisory
        on the Python index: it would find everything free of them.
        """
        wanted, skipped = set(names), set(ignored)
        self._found: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
        count, of_python = 0, False
        for place, raw in _documents(database):
            advisory = _parse(raw, place, database)
            count += 1
            names_of = [(_distribution(affected), affected) for affected in advisory.get("affected") or ()]
            of_python = of_python or any(name is not None for name, _ in names_of)
            known_as = {str(advisory.get("id")), *map(str, advisory.get("aliases") or ())}
            if advisory.get("withdrawn") or known_as & skipped:
                continue
            for name, affected in names_of:
                if name in wanted:
                    self._found.setdefault(str(name), []).append((str(advisory["id"]), affected))
        if not count:
            raise InvalidPolicy(f"the OSV database {database} holds no advisory")
        if not of_python:
            raise InvalidPolicy(
                f"the OSV database {database} holds no advisory of the PyPI ecosystem, the only one that is looked up"
            )

    def on(self, name: str, version: str) -> list[str]:
        """Return the names of the advisories that a distribution of this version matches."""
        found = self._found.get(name, ())
        return sorted({identifier for identifier, affected in found if _matches(version, affected)})


def _documents(database: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the JSON files of a database and their names: those below a folder, or in a zip archive."""
    try:
        if database.is_dir():
            for path in sorted(database.rglob("*.json")):
                if path.is_file():
                    _check_size(path.stat().st_size, str(path), database)
                    yield str(path), path.read_bytes()
            return
        with zipfile.ZipFile(database) as archive:
            for member in archive.infolist():
                if member.filename.endswith(".json"):
                    _check_size(member.file_size, member.filename, database)
                    yield member.filename, archive.read(member)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise InvalidPolicy(f"the OSV database {database} cannot be read: {error}") from None


def _check_size(size: int, place: str, database: Path) -> None:
    if size > _LARGEST:
        raise InvalidPolicy(f"the OSV database {database}: {place} is larger than any advisory ({size} bytes)")


def _parse(raw: bytes, place: str, database: Path) -> Mapping[str, Any]:
    """Return an advisory. Raises `InvalidPolicy` for anything else: nobody knows what it would have said."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise InvalidPolicy(f"the OSV database {database}: {place} cannot be read: {error}") from None
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
