"""Packages that break a rule are refused, each by name and with the rule."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conda_docker.create import create_image
from conda_docker.environment.locked import LockedEnvironment, package_from_record
from conda_docker.environment.wheels import LockedWheel
from conda_docker.errors import InvalidPolicy, PolicyViolated
from conda_docker.policy.check import check_policy
from conda_docker.policy.rules import Policy
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.pypi.wheels import make_wheel

CHANNEL = "https://conda.example.com/team"
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def environment(*wheels: LockedWheel, **fields: Any) -> LockedEnvironment:
    """Return an environment with one package."""
    record = {
        "name": "tool",
        "version": "1.0",
        "build": "0",
        "url": f"{CHANNEL}/linux-64/tool-1.0-0.conda",
        "depends": [],
        "sha256": "0" * 64,
        "timestamp": int(datetime(2025, 6, 1, tzinfo=UTC).timestamp() * 1000),
        "license": "MIT",
    }
    return LockedEnvironment("linux-64", (package_from_record(record | fields),), wheels=wheels)


def refusal(policy: Policy, tmp_path: Path, packages: LockedEnvironment | None = None) -> str:
    """Return what the policy says of the packages, nothing where it allows them."""
    try:
        check_policy(packages or environment(), policy, tmp_path / "cache", now=NOW)
    except PolicyViolated as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("policy", "fields", "message"),
    [
        (Policy(deny_licenses=("GPL-*",)), {"license": "GPL-3.0"}, "'GPL-3.0' is denied by --deny-license GPL-*"),
        (Policy(deny_licenses=("none",)), {"license": None}, "no license, which is denied by --deny-license none"),
        (Policy(allow_channels=("https://other.example.com",)), {}, f"its channel {CHANNEL}/ is not in"),
        (Policy(max_age=timedelta(days=30)), {}, "it was built on 2025-06-01, and --max-age allows 30 days"),
        (Policy(max_age=timedelta(days=30)), {"timestamp": None}, "nobody states when it was built"),
        (Policy(require_hash=True), {"sha256": None, "md5": "0" * 32}, "--require-hash needs its SHA-256"),
        (
            Policy(exclude_newer=datetime(2025, 7, 1, tzinfo=UTC)),
            {"indexed_timestamp": 1_767_225_600_000},
            "it is of 2026-01-01",
        ),
        (Policy(exclude_newer=datetime(2025, 1, 1, tzinfo=UTC)), {}, "of 2025-06-01, and --exclude-newer is 2025-01"),
    ],
)  # fmt: skip
def test_each_rule_names_the_package(policy: Policy, fields: dict[str, Any], message: str, tmp_path: Path) -> None:
    said = refusal(policy, tmp_path, environment(**fields))
    assert "tool-1.0-0: " in said
    assert message in said


@pytest.mark.parametrize(
    "policy",
    [
        Policy(),
        Policy(deny_licenses=("GPL-*", "none")),
        Policy(allow_channels=(CHANNEL,)),
        Policy(allow_channels=("conda-forge", f"{CHANNEL}/")),
        Policy(max_age=timedelta(days=400)),
        Policy(require_hash=True),
        Policy(exclude_newer=datetime(2025, 7, 1, tzinfo=UTC)),
    ],
)
def test_what_obeys_is_allowed(policy: Policy, tmp_path: Path) -> None:
    assert refusal(policy, tmp_path) == ""


def test_a_channel_whose_name_only_begins_like_an_allowed_one(tmp_path: Path) -> None:
    said = refusal(Policy(allow_channels=(CHANNEL.removesuffix("m"),)), tmp_path)
    assert "not in --allow-channel" in said


def test_all_refusals_are_named_at_once(tmp_path: Path) -> None:
    policy = Policy(deny_licenses=("MIT",), max_age=timedelta(days=1), allow_channels=("x",))
    assert len(refusal(policy, tmp_path).splitlines()) == 4


def test_what_a_list_does_not_say_is_taken_from_the_packages(
    tmp_path: Path, synthetic_channel: SyntheticChannel
) -> None:
    from conda_docker.environment.inputs.lock_files.explicit import parse_explicit

    package = SyntheticPackage(name="tool", files={"tool": b"1"}, index={"license": "AGPL-3.0-only"})
    synthetic_channel.add(package)
    listed = parse_explicit(f"@EXPLICIT\n{synthetic_channel.locked(package).url}\n")
    assert "AGPL-3.0-only" in refusal(Policy(deny_licenses=("AGPL-*",)), tmp_path, listed)


def wheel(tmp_path: Path, name: str = "app", version: str = "1.0", **fields: Any) -> LockedWheel:
    path = make_wheel(tmp_path, name, version, **fields)
    return LockedWheel(name=name, version=version, url=path.as_uri(), source=path)


@pytest.mark.parametrize(
    ("lines", "pattern"),
    [
        ("License-Expression: AGPL-3.0-only\n", "AGPL-*"),
        ("License: Proprietary\n", "proprietary*"),
        ("Classifier: License :: OSI Approved :: GNU Affero General Public License v3\n", "GNU Affero*"),
        ("", "none"),
    ],
)
def test_the_licenses_of_wheels(lines: str, pattern: str, tmp_path: Path) -> None:
    locked = wheel(tmp_path)
    with zipfile.ZipFile(tmp_path / "app-1.0-py3-none-any.whl") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["app-1.0.dist-info/METADATA"] += lines.encode()
    with zipfile.ZipFile(tmp_path / "app-1.0-py3-none-any.whl", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    said = refusal(Policy(deny_licenses=(pattern,)), tmp_path, environment(locked))
    assert "app-1.0-py3-none-any: " in said
    assert said.endswith(f"is denied by --deny-license {pattern}")


def test_wheels_from_elsewhere(tmp_path: Path) -> None:
    packages = environment(wheel(tmp_path))
    assert "pypi allows all wheels" in refusal(Policy(allow_channels=(CHANNEL,)), tmp_path, packages)
    assert refusal(Policy(allow_channels=(CHANNEL, "pypi")), tmp_path, packages) == ""
    assert refusal(Policy(allow_channels=(CHANNEL, tmp_path.as_uri())), tmp_path, packages) == ""


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
    (tmp_path / "osv").mkdir()
    (tmp_path / "osv" / "one.json").write_text(json.dumps(advisory("PYSEC-1", "My.App", **affected)))
    packages = environment(wheel(tmp_path, "my-app", version))
    said = refusal(Policy(osv_database=tmp_path / "osv"), tmp_path, packages)
    assert ("my-app " + version + " has the advisory PYSEC-1" in said) is hit


def test_advisories_in_an_archive_and_those_that_do_not_count(tmp_path: Path) -> None:
    entries = [
        advisory("PYSEC-1", "app", versions=["1.0"]) | {"aliases": ["CVE-2026-1"]},
        advisory("PYSEC-2", "app", versions=["1.0"]) | {"withdrawn": "2026-01-01T00:00:00Z"},
        {"id": "OTHER", "affected": [{"package": {"ecosystem": "npm", "name": "app"}, "versions": ["1.0"]}]},
    ]
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for number, entry in enumerate(entries):
            archive.writestr(f"{number}.json", json.dumps(entry))
    packages = environment(wheel(tmp_path))
    policy = Policy(osv_database=tmp_path / "all.zip")
    assert [line.split()[6] for line in refusal(policy, tmp_path, packages).splitlines()[1:]] == ["PYSEC-1"]
    allowed = Policy(osv_database=tmp_path / "all.zip", ignore_advisories=("CVE-2026-1",))
    assert refusal(allowed, tmp_path, packages) == ""


def test_advisories_on_what_conda_packages_bring(tmp_path: Path, synthetic_channel: SyntheticChannel) -> None:
    module = SyntheticPackage(
        name="py-app", noarch="python", files={"site-packages/app-1.0.dist-info/METADATA": b"Name: app\n\n"}
    )
    synthetic_channel.add(module)
    packages = LockedEnvironment("linux-64", (synthetic_channel.locked(module),))
    (tmp_path / "osv").mkdir()
    (tmp_path / "osv" / "one.json").write_text(json.dumps(advisory("PYSEC-1", "app", versions=["1.0"])))
    said = refusal(Policy(osv_database=tmp_path / "osv"), tmp_path, packages)
    assert "py-app-1.0-0: app 1.0 has the advisory PYSEC-1" in said


@pytest.mark.parametrize("content", [None, b"", b"not a zip"])
def test_a_database_that_cannot_be_read_allows_nothing(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidPolicy, match="cannot be read"):
        check_policy(environment(), Policy(osv_database=path), tmp_path / "cache")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidPolicy, match="holds no advisory"):
        check_policy(environment(), Policy(osv_database=tmp_path / "empty"), tmp_path / "cache")


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
        check_policy(environment(), Policy(osv_database=tmp_path), tmp_path / "cache")


def test_a_database_of_another_ecosystem_is_none(tmp_path: Path) -> None:
    entry = {"id": "OTHER", "affected": [{"package": {"ecosystem": "npm", "name": "app"}, "versions": ["1.0"]}]}
    (tmp_path / "one.json").write_text(json.dumps(entry))
    with pytest.raises(InvalidPolicy, match="no advisory of the PyPI ecosystem"):
        check_policy(environment(), Policy(osv_database=tmp_path), tmp_path / "cache")


def test_the_ecosystem_may_be_in_lower_case(tmp_path: Path) -> None:
    entry = {"id": "PYSEC-1", "affected": [{"package": {"ecosystem": "pypi", "name": "app"}, "versions": ["1.0"]}]}
    (tmp_path / "osv").mkdir()
    (tmp_path / "osv" / "one.json").write_text(json.dumps(entry))
    said = refusal(Policy(osv_database=tmp_path / "osv"), tmp_path, environment(wheel(tmp_path)))
    assert "app 1.0 has the advisory PYSEC-1" in said


def test_the_python_api_obeys(synthetic_channel: SyntheticChannel) -> None:
    synthetic_channel.add(SyntheticPackage(name="tool", files={"tool": b"1"}, index={"license": "AGPL-3.0-only"}))
    with pytest.raises(PolicyViolated, match=r"tool-1\.0-0: its license 'AGPL-3\.0-only' is denied"):
        create_image(
            ["tool"],
            base="scratch",
            platform="linux/amd64",
            channels=[synthetic_channel.url],
            override_channels=True,
            policy=Policy(deny_licenses=("AGPL-*",)),
        )
