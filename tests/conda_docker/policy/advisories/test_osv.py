"""Advisories from a local database in the OSV format."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from conda_docker.errors import InvalidPolicy
from conda_docker.policy.advisories.advisory import Advisory
from conda_docker.policy.advisories.osv import find

ON_APP = {("app", "1.0")}


def advisory(identifier: str, name: str, **affected: Any) -> dict[str, Any]:
    return {"id": identifier, "affected": [{"package": {"ecosystem": "PyPI", "name": name}, **affected}]}


def ranges(*events: dict[str, str]) -> list[dict[str, Any]]:
    return [{"type": "ECOSYSTEM", "events": list(events)}]


@pytest.mark.parametrize(
    ("affected", "version", "hit"),
    [
        ({"versions": ["1.0"]}, "1.0", True),
        ({"versions": ["1.0"]}, "1.1", False),
        ({"ranges": ranges({"introduced": "0"}, {"fixed": "1.1"})}, "1.0", True),
        ({"ranges": ranges({"introduced": "0"}, {"fixed": "1.1"})}, "1.1", False),
        ({"ranges": ranges({"introduced": "0"}, {"fixed": "1.1"})}, "1.10", False),
        ({"ranges": ranges({"introduced": "2.0"}, {"last_affected": "2.3"})}, "2.3", True),
        ({"ranges": ranges({"introduced": "2.0"}, {"last_affected": "2.3"})}, "2.4", False),
        ({"ranges": ranges({"introduced": "0"}, {"fixed": "1"}, {"introduced": "2"})}, "2.5", True),
        ({"ranges": ranges({"introduced": "0"}, {"fixed": "1"}, {"introduced": "2"})}, "1.5", False),
        ({"versions": ["0.9"], "ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]}, "1.0", False),
        ({"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]}, "1.0", True),
        ({"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "2.0.0"}]}]}, "1.0", True),
        ({"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "0.9.0"}]}]}, "1.0", False),
        ({"ranges": ranges({"introduced": "0"}, {"fixed": "not.a.version!"})}, "1.0", True),
        ({"ranges": [{"type": "ECOSYSTEM"}]}, "1.0", True),
        ({}, "1.0", True),
    ],
)
def test_advisories_match_versions(affected: dict[str, Any], version: str, hit: bool, tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text(json.dumps(advisory("PYSEC-1", "My.App", **affected)))
    found = list(find(tmp_path, {("my-app", version), ("other", version)}))
    assert found == ([Advisory("my-app", version, "PYSEC-1")] if hit else [])


def test_advisories_in_an_archive_and_those_that_do_not_count(tmp_path: Path) -> None:
    entries = [
        advisory("PYSEC-1", "app", versions=["1.0"]) | {"aliases": ["CVE-2026-1"]},
        advisory("PYSEC-2", "app", versions=["1.0"]) | {"withdrawn": "2026-01-01T00:00:00Z"},
        {"id": "OTHER", "affected": [{"package": {"ecosystem": "npm", "name": "app"}, "versions": ["1.0"]}]},
    ]
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for number, entry in enumerate(entries):
            archive.writestr(f"{number}.json", json.dumps(entry))
    assert list(find(tmp_path / "all.zip", ON_APP)) == [Advisory("app", "1.0", "PYSEC-1", ("CVE-2026-1",))]


@pytest.mark.parametrize("content", [None, b"", b"not a zip"])
def test_a_database_that_cannot_be_read_allows_nothing(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidPolicy, match=r"cannot be read|there is no OSV database"):
        list(find(path, ON_APP))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidPolicy, match="holds no advisory"):
        list(find(tmp_path / "empty", ON_APP))


def test_a_pipe_is_no_database(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "all.zip")
    with pytest.raises(InvalidPolicy, match="neither a folder nor a zip archive"):
        list(find(tmp_path / "all.zip", ON_APP))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"id": "PYSEC-2", "affec', r"two\.json cannot be read"),
        ("[]", r"two\.json is not an advisory"),
        ("{}", r"two\.json is not an advisory"),
        ('{"id": "PYSEC-2", "affected": "all"}', r"two\.json has no list of what is affected"),
    ],
)
def test_an_advisory_that_cannot_be_read_is_named(content: str, message: str, tmp_path: Path) -> None:
    """Nobody knows what it would have said."""
    (tmp_path / "one.json").write_text(json.dumps(advisory("PYSEC-1", "other", versions=["1.0"])))
    (tmp_path / "two.json").write_text(content)
    with pytest.raises(InvalidPolicy, match=message):
        list(find(tmp_path, ON_APP))


def test_a_database_of_another_ecosystem_is_none(tmp_path: Path) -> None:
    entry = {"id": "OTHER", "affected": [{"package": {"ecosystem": "npm", "name": "app"}, "versions": ["1.0"]}]}
    (tmp_path / "one.json").write_text(json.dumps(entry))
    with pytest.raises(InvalidPolicy, match="no advisory of the PyPI ecosystem"):
        list(find(tmp_path, ON_APP))


def test_the_ecosystem_may_be_in_lower_case(tmp_path: Path) -> None:
    entry = {"id": "PYSEC-1", "affected": [{"package": {"ecosystem": "pypi", "name": "app"}, "versions": ["1.0"]}]}
    (tmp_path / "one.json").write_text(json.dumps(entry))
    assert list(find(tmp_path, ON_APP)) == [Advisory("app", "1.0", "PYSEC-1")]
