"""Advisories from the database that Grype keeps on this machine: nothing is asked elsewhere.

Sources: anchore/grype, grype/db/v5/store/model/vulnerability.go, grype/db/v6/models.go and grype/db/v6/blobs.go (the
tables), grype/version/range_expression.go (constraints).
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from conda_docker.cache.location import system_cache_dir
from conda_docker.environment.packages.wheels import normalize_name
from conda_docker.errors import InvalidPolicy, PolicyNotFound
from conda_docker.policy.advisories.advisory import Advisory, Distributions
from conda_docker.user_files import user_path
from python_docker.errors import reason_of

FOLDER_VARIABLE = "GRYPE_DB_CACHE_DIR"
"""Where Grype looks for its databases, if it is set."""
_FILE = "vulnerability.db"
_ECOSYSTEMS = ("python", "pypi", "pip")
_REJECTED = "rejected"  # the advisory was withdrawn
_CLAUSE = re.compile(r"(?P<operator>>=|<=|==|=|>|<|)\s*(?P<quote>[\"']?)(?P<version>[^\s<>=\"']+)(?P=quote)")


@dataclass(frozen=True, slots=True)
class _Entry:
    """What one row says: the versions that satisfy one of `constraints` (none: all) of `name` are affected."""

    name: str
    identifier: str
    aliases: tuple[str, ...]
    constraints: tuple[str, ...]


def find(place: Path | None, distributions: Distributions) -> list[Advisory]:
    """Return what a database says of some distributions.

    `place` is the file, or a folder as Grype keeps it; None is the folder of this user's Grype. Databases of the
    schemas 5 and 6 are read. Raises `InvalidPolicy` for one that is not there, cannot be read, has another schema, or
    holds nothing on Python packages: it would find everything free of advisories.
    """
    database = _database(place)
    versions: dict[str, set[str]] = {}
    for name, version in distributions:
        versions.setdefault(name, set()).add(version)
    try:
        # Neither a journal nor a lock is written next to a database that is opened so.
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            entries = list(_reader(connection, database)(connection, database, set(versions)))
    except (sqlite3.Error, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidPolicy(f"the Grype database {database} cannot be read: {reason_of(error)}") from None
    return [
        Advisory(entry.name, version, entry.identifier, entry.aliases)
        for entry in entries
        for version in sorted(versions[entry.name])
        if _is_affected(version, entry.constraints)
    ]


def _database(place: Path | None) -> Path:
    folder = place or _usual_folder()
    if folder.is_file():
        return folder
    candidates = [folder / _FILE, *(folder / str(schema) / _FILE for schema in sorted(_READERS, reverse=True))]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    advice = "`grype db update` downloads it" if place is None else "name its file or its folder"
    raise PolicyNotFound(f"there is no Grype database ({_FILE}) in {folder}; {advice}")


def _usual_folder() -> Path:
    if chosen := os.environ.get(FOLDER_VARIABLE):
        return user_path(chosen)
    # adrg/xdg, which Grype asks, has a folder of its own for caches on Windows.
    caches = system_cache_dir(None) / "cache" if sys.platform == "win32" else system_cache_dir(None)
    return caches / "grype" / "db"


_Reader = Callable[[sqlite3.Connection, Path, set[str]], Iterator[_Entry]]


def _reader(connection: sqlite3.Connection, database: Path) -> _Reader:
    """Return what reads a database of this schema. Raises `InvalidPolicy` for another."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    schema: object = None
    if "db_metadata" in tables:
        schema = next(iter(connection.execute("SELECT model FROM db_metadata")), (None,))[0]
    elif "id" in tables:
        schema = next(iter(connection.execute("SELECT schema_version FROM id")), (None,))[0]
    if not isinstance(schema, int) or schema not in _READERS:
        found = "is not one" if schema is None else f"has schema {schema}"
        known = " and ".join(map(str, _READERS))
        raise InvalidPolicy(f"the Grype database {database} {found}; those of the schemas {known} are read")
    return _READERS[schema]


def _read_5(connection: sqlite3.Connection, database: Path, names: set[str]) -> Iterator[_Entry]:
    listed = connection.execute(
        "SELECT DISTINCT package_name, namespace FROM vulnerability WHERE namespace LIKE '%:language:python'"
    )
    for found, namespace in _wanted(listed, database, names):
        rows = connection.execute(
            "SELECT id, version_constraint, related_vulnerabilities FROM vulnerability "
            "WHERE package_name = ? AND namespace = ?",
            (found, namespace),
        )
        for identifier, constraint, related in rows:
            aliases = tuple(str(one["id"]) for one in json.loads(related or "null") or ())
            yield _Entry(normalize_name(found), str(identifier), aliases, (constraint or "",))


def _read_6(connection: sqlite3.Connection, database: Path, names: set[str]) -> Iterator[_Entry]:
    marks = ", ".join("?" * len(_ECOSYSTEMS))
    listed = connection.execute(f"SELECT name, id FROM packages WHERE lower(ecosystem) IN ({marks})", _ECOSYSTEMS)  # noqa: S608 -- question marks alone
    for found, package in _wanted(listed, database, names):
        rows = connection.execute(
            "SELECT v.name, v.status, b.value FROM affected_package_handles a "
            "JOIN vulnerability_handles v ON v.id = a.vulnerability_id JOIN blobs b ON b.id = a.blob_id "
            "WHERE a.package_id = ? AND a.operating_system_id IS NULL",
            (package,),
        )
        for identifier, status, raw in rows:
            if status == _REJECTED:
                continue
            blob = json.loads(raw)
            aliases = tuple(map(str, blob.get("cves") or ()))
            yield _Entry(normalize_name(found), str(identifier), aliases, _constraints(blob))


_READERS: Mapping[int, _Reader] = MappingProxyType({5: _read_5, 6: _read_6})


def _wanted(listed: Iterable[tuple[str, Any]], database: Path, names: set[str]) -> Iterator[tuple[str, Any]]:
    """Yield the packages with these normalized names. Raises `InvalidPolicy` where there are none of Python's at all.

    Names stand there as their advisories write them.
    """
    listed = list(listed)
    if not listed:
        raise InvalidPolicy(f"the Grype database {database} holds no advisory on Python packages")
    yield from ((name, key) for name, key in listed if normalize_name(name) in names)


def _constraints(blob: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the constraints of a blob, but those on commits of a repository where there are others."""
    versions = [one["version"] for one in blob.get("ranges") or ()]
    counted = [one for one in versions if one.get("type") != "git"]
    return tuple(str(one.get("constraint") or "") for one in counted or versions)


def _is_affected(version: str, constraints: tuple[str, ...]) -> bool:
    """Return whether a version is affected; one that cannot be compared is.

    >>> [_is_affected(version, (">=4.0,<4.3.12 || >=5.1a1,<5.1b1",)) for version in ("4.3", "4.3.12", "5.1a2", "?")]
    [True, False, True, True]
    """
    return not constraints or any(_satisfies(version, constraint) for constraint in constraints)


def _satisfies(version: str, constraint: str) -> bool:
    from packaging.version import InvalidVersion, Version

    if not constraint.strip():
        return True
    try:
        found = Version(version)
        return any(
            all(_holds(found, clause) for clause in group.split(",") if clause.strip())
            for group in constraint.split("||")
        )
    except InvalidVersion:
        return True


def _holds(version: Any, clause: str) -> bool:
    """Return whether a `packaging` version is where a clause says. Raises `InvalidVersion` for one that is malformed.

    Versions are compared as they are ordered: a clause is not a specifier of PEP 440, which leaves out pre-releases.
    """
    from packaging.version import InvalidVersion, Version

    match = _CLAUSE.fullmatch(clause.strip())
    if match is None:
        raise InvalidVersion(clause)
    bound = Version(match["version"])
    comparisons = {
        ">=": version >= bound,
        "<=": version <= bound,
        ">": version > bound,
        "<": version < bound,
    }
    return bool(comparisons.get(match["operator"], version == bound))
