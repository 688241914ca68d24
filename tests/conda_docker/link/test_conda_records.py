"""Records in conda-meta, field by field, against those that conda itself wrote of the same packages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from conda_docker.link.prefix import Prefix
from conda_docker.package.archive import open_package
from tests.conda_docker.channel import SyntheticChannel
from tests.conda_docker.link.conda_records import (
    PACKAGES,
    PREFIX,
    RECORDS,
    add_packages,
    facts,
    record_with,
    suffix_of,
)
from tests.conda_docker.oracle import Rattler, differences, link, link_archives, read_layer
from tests.conda_docker.real_conda import require_conda

Row = Mapping[str, Any]

AS_RATTLER = {
    "channel": "without the subdir, which `subdir` has",
    "constrains": "left out when there is none",
    "arch": "as the channel says, where conda drops it",
    "platform": "as the channel says, where conda drops it",
    "timestamp": "as the channel says, where conda turns seconds into milliseconds",
}
"""Fields of a package in which conda and rattler differ; both read either."""

NAMES = [package.name for package in PACKAGES]


@pytest.fixture(scope="module")
def recorded() -> dict[str, Any]:
    """Return the records that conda wrote, by the name of their package."""
    records: dict[str, Any] = json.loads(RECORDS.read_text())
    return records


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the records that are written here of the same packages."""
    channel = SyntheticChannel(tmp_path_factory.mktemp("records") / "channel")
    place = Prefix(PREFIX, "3.12.1")
    records = {}
    for package, archive in zip(PACKAGES, add_packages(channel), strict=True):
        locked = channel.locked(package, suffix_of(package))
        tree = read_layer(link(open_package(archive), locked, place), PREFIX)
        (record,) = (item.content for path, item in tree.items() if path.startswith("conda-meta/"))
        records[package.name] = facts(json.loads(record), channel.url, archive)
    return records


def installed_path(path: str) -> str:
    """Return where a path of a `noarch: python` package goes; conda's rows have it as the package spells it."""
    path = path.replace("site-packages/", "lib/python3.12/site-packages/", 1) if path.startswith("site-") else path
    return path.replace("python-scripts/", "bin/", 1) if path.startswith("python-scripts/") else path


def rows(record: Mapping[str, Any]) -> dict[str, Row]:
    """Return the rows of a record by where they are; compiled modules are checked where modules are compiled."""
    paths = record["paths_data"]["paths"]
    return {installed_path(row["_path"]): row for row in paths if row["path_type"] != "pyc_file"}


@pytest.mark.parametrize("name", NAMES)
def test_fields_of_a_package(name: str, recorded: Mapping[str, Any], written: Mapping[str, Any]) -> None:
    theirs, ours = recorded[name], written[name]
    differing = {field for field in theirs.keys() | ours.keys() if theirs.get(field) != ours.get(field)}
    assert differing - {"files", "paths_data"} <= AS_RATTLER.keys()
    assert not theirs.get("constrains") or "constrains" not in differing


@pytest.mark.parametrize("name", NAMES)
def test_files(name: str, recorded: Mapping[str, Any], written: Mapping[str, Any]) -> None:
    assert written[name]["files"] == [path for path in recorded[name]["files"] if not path.endswith(".pyc")]


@pytest.mark.parametrize("name", NAMES)
def test_rows_of_files(name: str, recorded: Mapping[str, Any], written: Mapping[str, Any]) -> None:
    theirs, ours = rows(recorded[name]), rows(written[name])
    assert ours.keys() == theirs.keys()
    for path, row in theirs.items():
        expected = {field: value for field, value in row.items() if field != "_path"}
        if "prefix_placeholder" in row or "entry_point" in row["path_type"]:
            # conda: in the package (of an entry point, a guess); rattler: as it was installed.
            expected.pop("size_in_bytes", None)
        assert expected.items() <= ours[path].items(), path


@pytest.mark.parametrize("name", NAMES)
def test_rows_have_a_hash_in_the_prefix_where_conda_writes_one(
    name: str, recorded: Mapping[str, Any], written: Mapping[str, Any]
) -> None:
    theirs, ours = rows(recorded[name]), rows(written[name])
    hashed = {path for path, row in ours.items() if "sha256_in_prefix" in row}
    by_conda = {path for path, row in theirs.items() if "sha256_in_prefix" in row}
    # Packages of old list their files without hashes: what is in the prefix is known here all the same.
    unknown = {path for path, row in theirs.items() if row["path_type"] == "hardlink" and "sha256" not in row}
    assert hashed == by_conda | unknown


def test_rattler_installs_the_same_files(rattler: Rattler, tmp_path: Path) -> None:
    archives = [package.write(tmp_path, suffix_of(package)) for package in PACKAGES]
    installed, _ = rattler.install(archives)
    assert differences(installed, link_archives(archives)) == []


def test_conda_still_writes_them(recorded: Mapping[str, Any], tmp_path: Path) -> None:
    conda = require_conda(tmp_path)
    prefix = tmp_path / "env"
    now = record_with(conda, tmp_path, prefix)
    for name in NAMES:
        # Another prefix, another hash of what it is written into.
        assert without_rewritten(now[name]) == without_rewritten(recorded[name])


def without_rewritten(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record without what depends on the prefix."""
    paths = [dict(row) for row in record["paths_data"]["paths"]]
    for row in paths:
        if "prefix_placeholder" in row:
            row.pop("sha256_in_prefix")
        if "entry_point" in row["path_type"]:
            row.pop("size_in_bytes")
    return {**record, "paths_data": {**record["paths_data"], "paths": paths}}
