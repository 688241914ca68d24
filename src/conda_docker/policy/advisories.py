"""Advisories from a local database in the OSV format (https://ossf.github.io/osv-schema/): nothing is asked elsewhere.

Such a database is what `all.zip` of an ecosystem holds at OSV's, or a mirror of an organisation: JSON files, one an
advisory. Only distributions of the Python index are looked up: no database knows conda packages.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from conda_docker.environment.wheels import normalize_name
from conda_docker.errors import InvalidPolicy

_LARGEST = 16 << 20  # bytes of one advisory


class Advisories:
    """The advisories on some distributions, read once."""

    def __init__(self, database: Path, names: Collection[str], ignored: Collection[str] = ()) -> None:
        """Read what a database says of distributions with these normalized names, but for `ignored` advisories.

        Raises `InvalidPolicy` for a database that cannot be read, or holds no advisory at all.
        """
        wanted, skipped = set(names), set(ignored)
        self._found: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
        count = 0
        for raw in _documents(database):
            advisory = _parse(raw)
            if advisory is None:
                continue
            count += 1
            known_as = {str(advisory.get("id")), *map(str, advisory.get("aliases") or ())}
            if advisory.get("withdrawn") or known_as & skipped:
                continue
            for affected in advisory.get("affected") or ():
                name = _distribution(affected)
                if name in wanted:
                    self._found.setdefault(str(name), []).append((str(advisory["id"]), affected))
        if not count:
            raise InvalidPolicy(f"the OSV database {database} holds no advisory")

    def on(self, name: str, version: str) -> list[str]:
        """Return the names of the advisories that a distribution of this version matches."""
        found = self._found.get(name, ())
        return sorted({identifier for identifier, affected in found if _matches(version, affected)})


def _documents(database: Path) -> Iterator[bytes]:
    """Yield the JSON files of a database: those below a folder, or in a zip archive."""
    try:
        if database.is_dir():
            for path in sorted(database.rglob("*.json")):
                if path.is_file() and path.stat().st_size <= _LARGEST:
                    yield path.read_bytes()
            return
        with zipfile.ZipFile(database) as archive:
            for member in archive.infolist():
                if member.filename.endswith(".json") and member.file_size <= _LARGEST:
                    yield archive.read(member)
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise InvalidPolicy(f"the OSV database {database} cannot be read: {error}") from None


def _parse(raw: bytes) -> Mapping[str, Any] | None:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and isinstance(value.get("id"), str) else None


def _distribution(affected: Any) -> str | None:
    package = affected.get("package") if isinstance(affected, dict) else None
    if not isinstance(package, dict) or package.get("ecosystem") != "PyPI":
        return None
    return normalize_name(str(package.get("name")))


def _matches(version: str, affected: Mapping[str, Any]) -> bool:
    """Return whether a version is affected (OSV schema, "Evaluation"): it is listed, or within a range.

    A version that is not one of Python's counts as affected where it is listed only.
    """
    from packaging.version import InvalidVersion, Version

    if version in (affected.get("versions") or ()):
        return True
    try:
        found = Version(version)
    except InvalidVersion:
        return False
    return any(
        _within(found, entry.get("events") or ())
        for entry in affected.get("ranges") or ()
        if isinstance(entry, dict) and entry.get("type") == "ECOSYSTEM"
    )


def _within(version: Any, events: Sequence[Mapping[str, Any]]) -> bool:
    from packaging.version import InvalidVersion, Version

    def key(event: Mapping[str, Any]) -> Version:
        text = str(next(iter(event.values()), "0"))
        return Version("0.dev0") if text == "0" else Version(text)

    affected = False
    try:
        for event in sorted(events, key=key):
            moment = key(event)
            if "introduced" in event and version >= moment:
                affected = True
            elif ("fixed" in event and version >= moment) or ("last_affected" in event and version > moment):
                affected = False
    except InvalidVersion:
        return False
    return affected
