"""Advisories from Grype's database, in the tables that Grype's own writers make."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from conda_docker.errors import InvalidPolicy
from conda_docker.policy.advisories.advisory import Advisory
from conda_docker.policy.advisories.grype import FOLDER_VARIABLE, find

# grype/db/v5/store/model and grype/db/v6/models.go of anchore/grype.
TABLES_5 = """
CREATE TABLE id (build_timestamp TEXT, schema_version INTEGER);
CREATE TABLE vulnerability (
  pk INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT, package_name TEXT, namespace TEXT, package_qualifiers TEXT,
  version_constraint TEXT, version_format TEXT, cpes TEXT DEFAULT NULL, related_vulnerabilities TEXT DEFAULT NULL,
  fixed_in_versions TEXT DEFAULT NULL, fix_state TEXT, advisories TEXT DEFAULT NULL);
CREATE INDEX get_vulnerability_index ON vulnerability(package_name, namespace);
CREATE TABLE vulnerability_metadata (
  id TEXT, namespace TEXT, data_source TEXT, record_source TEXT, severity TEXT, urls TEXT DEFAULT NULL,
  description TEXT, cvss TEXT DEFAULT NULL, PRIMARY KEY (id, namespace));
"""
TABLES_6 = """
CREATE TABLE db_metadata (
  build_timestamp DATETIME NOT NULL, model INTEGER NOT NULL, revision INTEGER NOT NULL, addition INTEGER NOT NULL);
CREATE TABLE blobs (id INTEGER PRIMARY KEY AUTOINCREMENT, value TEXT NOT NULL);
CREATE TABLE packages (id INTEGER PRIMARY KEY AUTOINCREMENT, ecosystem TEXT, name TEXT);
CREATE TABLE vulnerability_handles (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, status TEXT NOT NULL, published_date DATETIME,
  modified_date DATETIME, withdrawn_date DATETIME, provider_id TEXT NOT NULL, blob_id INTEGER UNIQUE);
CREATE TABLE affected_package_handles (
  id INTEGER PRIMARY KEY AUTOINCREMENT, vulnerability_id INTEGER NOT NULL, operating_system_id INTEGER,
  package_id INTEGER, blob_id INTEGER);
"""
Entry = tuple[str, str, str, str]
"""Name, ecosystem, identifier and constraint."""
ENTRIES: tuple[Entry, ...] = (
    ("Jinja2", "python", "GHSA-jinja", "<3.1.3"),
    ("zope.interface", "python", "GHSA-zope", ">= 4.0,< 4.3.12 || >=5.1a1,<5.1b1"),
    ("everything", "python", "GHSA-all", ""),
    ("six", "npm", "GHSA-npm", "<99"),
)


def write_5(folder: Path, entries: tuple[Entry, ...] = ENTRIES, *, schema: int = 5) -> Path:
    path = folder / "vulnerability.db"
    folder.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(TABLES_5)
        database.execute("INSERT INTO id VALUES ('2024-01-01', ?)", (schema,))
        for name, ecosystem, identifier, constraint in entries:
            row = (
                identifier,
                name,
                f"github:language:{ecosystem}",
                constraint,
                '[{"id":"CVE-1","namespace":"nvd:cpe"}]',
            )
            database.execute(
                "INSERT INTO vulnerability (id, package_name, namespace, version_constraint, related_vulnerabilities) "
                "VALUES (?, ?, ?, ?, ?)",
                row,
            )
    return path


def write_6(
    folder: Path, entries: tuple[Entry, ...] = ENTRIES, *, model: int = 6, status: str = "active", kind: str = "python"
) -> Path:
    path = folder / "vulnerability.db"
    folder.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(TABLES_6)
        database.execute("INSERT INTO db_metadata VALUES ('2026-01-01', ?, 0, 0)", (model,))
        for name, ecosystem, identifier, constraint in entries:
            blob = {"cves": ["CVE-1"], "ranges": [{"version": {"type": kind, "constraint": constraint}}]}
            blob_id = database.execute("INSERT INTO blobs (value) VALUES (?)", (json.dumps(blob),)).lastrowid
            package = database.execute(
                "INSERT INTO packages (ecosystem, name) VALUES (?, ?)", (ecosystem, name)
            ).lastrowid
            handle = database.execute(
                "INSERT INTO vulnerability_handles (name, status, provider_id) VALUES (?, ?, 'github')",
                (identifier, status),
            ).lastrowid
            database.execute(
                "INSERT INTO affected_package_handles (vulnerability_id, package_id, blob_id) VALUES (?, ?, ?)",
                (handle, package, blob_id),
            )
    return path


@pytest.fixture(params=[5, 6])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a database of each schema that is read."""
    return write_5(tmp_path / "db") if request.param == 5 else write_6(tmp_path / "db")


@pytest.mark.parametrize(
    ("name", "version", "identifier"),
    [
        ("jinja2", "3.1.2", "GHSA-jinja"),
        ("jinja2", "3.1.3rc1", "GHSA-jinja"),
        ("jinja2", "3.1.3", None),
        ("jinja2", "3.1.10", None),
        ("zope-interface", "4.3", "GHSA-zope"),
        ("zope-interface", "4.3.12", None),
        ("zope-interface", "5.1a2", "GHSA-zope"),
        ("zope-interface", "5.1", None),
        ("everything", "1!0", "GHSA-all"),
        ("jinja2", "not a version", "GHSA-jinja"),
        ("six", "1.0", None),
        ("unknown", "1.0", None),
    ],
)
def test_versions_within_a_range(name: str, version: str, identifier: str | None, database: Path) -> None:
    found = find(database, {(name, version)})
    assert found == ([Advisory(name, version, identifier, ("CVE-1",))] if identifier else [])


def test_a_constraint_that_cannot_be_read_counts(tmp_path: Path) -> None:
    for number, constraint in enumerate(("~> 1.0", "< one", "(<2)", "< 1 < 2")):
        path = write_6(tmp_path / str(number), (("app", "python", "GHSA-1", constraint),))
        assert [one.identifier for one in find(path, {("app", "9")})] == ["GHSA-1"]


def test_quotes_and_equality(tmp_path: Path) -> None:
    entries = (("app", "python", "GHSA-1", "='1.0'"), ("other", "pypi", "GHSA-2", "2.0"))
    path = write_6(tmp_path, entries)
    found = find(path, {("app", "1.0"), ("app", "1.1"), ("other", "2.0"), ("other", "2.1")})
    assert {(one.name, one.version) for one in found} == {("app", "1.0"), ("other", "2.0")}


def test_what_was_withdrawn_does_not_count(tmp_path: Path) -> None:
    assert find(write_6(tmp_path, status="rejected"), {("jinja2", "1.0")}) == []


def test_the_newest_of_its_usual_folder_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    write_5(tmp_path / "grype" / "db" / "5", (("app", "python", "OLD", ""),))
    assert [one.identifier for one in find(None, {("app", "1")})] == ["OLD"]
    write_6(tmp_path / "grype" / "db" / "6", (("app", "python", "NEW", ""),))
    assert [one.identifier for one in find(None, {("app", "1")})] == ["NEW"]


def test_another_folder_by_grypes_own_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_6(tmp_path / "elsewhere" / "6")
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "elsewhere"))
    assert [one.identifier for one in find(None, {("jinja2", "1")})] == ["GHSA-jinja"]


def test_nothing_is_written_next_to_it(database: Path) -> None:
    database.chmod(0o444)
    before = database.read_bytes()
    find(database, {("jinja2", "1.0")})
    assert [path.name for path in database.parent.iterdir()] == [database.name]
    assert database.read_bytes() == before


def test_one_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(InvalidPolicy, match=r"no Grype database .* `grype db update` downloads it"):
        find(None, {("app", "1.0")})
    with pytest.raises(InvalidPolicy, match="name its file or its folder"):
        find(tmp_path / "missing", {("app", "1.0")})


def test_others_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidPolicy, match="has schema 4; those of the schemas 5 and 6 are read"):
        find(write_5(tmp_path / "old", schema=4), {("app", "1.0")})
    with pytest.raises(InvalidPolicy, match="has schema 7"):
        find(write_6(tmp_path / "new", model=7), {("app", "1.0")})
    (tmp_path / "vulnerability.db").write_bytes(b"")
    with pytest.raises(InvalidPolicy, match="is not one"):
        find(tmp_path, {("app", "1.0")})
    (tmp_path / "vulnerability.db").write_bytes(b"not a database at all, of any kind" * 99)
    with pytest.raises(InvalidPolicy, match="cannot be read: file is not a database"):
        find(tmp_path, {("app", "1.0")})


@pytest.mark.parametrize("blob", ["", "[]", "{", '{"ranges": [{}]}', '{"ranges": 7}'])
def test_a_damaged_entry_allows_nothing(blob: str, tmp_path: Path) -> None:
    path = write_6(tmp_path)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE blobs SET value = ?", (blob,))
    with pytest.raises(InvalidPolicy, match="cannot be read"):
        find(path, {("jinja2", "1.0")})


def test_one_without_python_packages_allows_nothing(tmp_path: Path) -> None:
    others = (("six", "npm", "GHSA-npm", "<99"),)
    for path in (write_5(tmp_path / "5", others), write_6(tmp_path / "6", others)):
        with pytest.raises(InvalidPolicy, match="no advisory on Python packages"):
            find(path, {("six", "1.0")})


def test_ranges_of_commits_count_alone(tmp_path: Path) -> None:
    path = write_6(tmp_path, (("app", "python", "GHSA-1", "< 0123abcd"),), kind="git")
    assert [one.identifier for one in find(path, {("app", "9")})] == ["GHSA-1"]
    versions = {"ranges": [{"version": {"type": kind, "constraint": "<1"}} for kind in ("git", "python")]}
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE blobs SET value = ?", (json.dumps(versions),))
    assert find(path, {("app", "9")}) == []
