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
from conda_docker.environment.packages.wheels import LockedWheel
from conda_docker.errors import InvalidPolicy, PolicyViolated
from conda_docker.policy.advisories.sources import AdvisorySource
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
        (Policy(max_age=timedelta(days=30)), {"timestamp": None}, "need its build time"),
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


def osv(folder: Path, **affected: Any) -> AdvisorySource:
    """Return a database in `folder` with one advisory on the distribution `app`, which is also CVE-2026-1."""
    folder.mkdir(exist_ok=True)
    package = {"package": {"ecosystem": "PyPI", "name": "app"}, **(affected or {"versions": ["1.0"]})}
    (folder / "one.json").write_text(json.dumps({"id": "PYSEC-1", "aliases": ["CVE-2026-1"], "affected": [package]}))
    return AdvisorySource("osv", str(folder))


def test_an_advisory_is_named_with_package_version_and_source(tmp_path: Path) -> None:
    source = osv(tmp_path / "osv")
    said = refusal(Policy(advisories=(source,)), tmp_path, environment(wheel(tmp_path)))
    assert f"app-1.0-py3-none-any: app 1.0 has the advisory PYSEC-1 in {source} (--ignore-advisory allows it)" in said


def test_one_advisory_of_two_sources_is_one_refusal(tmp_path: Path) -> None:
    sources = osv(tmp_path / "a"), osv(tmp_path / "b")
    said = refusal(Policy(advisories=sources), tmp_path, environment(wheel(tmp_path)))
    assert len(said.splitlines()) == 2
    assert f"PYSEC-1 in {sources[0]} and {sources[1]} (" in said


@pytest.mark.parametrize("name", ["PYSEC-1", "CVE-2026-1"])
def test_an_advisory_is_ignored_by_any_of_its_names(name: str, tmp_path: Path) -> None:
    policy = Policy(advisories=(osv(tmp_path / "osv"),), ignore_advisories=(name,))
    assert refusal(policy, tmp_path, environment(wheel(tmp_path))) == ""


def test_advisories_on_what_conda_packages_bring(tmp_path: Path, synthetic_channel: SyntheticChannel) -> None:
    module = SyntheticPackage(
        name="py-app", noarch="python", files={"site-packages/app-1.0.dist-info/METADATA": b"Name: app\n\n"}
    )
    synthetic_channel.add(module)
    packages = LockedEnvironment("linux-64", (synthetic_channel.locked(module),))
    said = refusal(Policy(advisories=(osv(tmp_path / "osv"),)), tmp_path, packages)
    assert "py-app-1.0-0: app 1.0 has the advisory PYSEC-1" in said


def test_a_source_that_cannot_say_allows_nothing(tmp_path: Path) -> None:
    policy = Policy(advisories=(AdvisorySource("osv", str(tmp_path / "missing.zip")),))
    with pytest.raises(InvalidPolicy, match="there is no OSV database"):
        check_policy(environment(), policy, tmp_path / "cache")


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
