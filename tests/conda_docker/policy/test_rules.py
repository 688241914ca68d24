"""Rules from a file, and rules from two places."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from conda_docker.errors import InvalidPolicy, PolicyNotFound
from conda_docker.policy.advisories.sources import AdvisorySource
from conda_docker.policy.rules import Policy, read_policy, to_moment


def read(tmp_path: Path, text: str) -> Policy:
    (tmp_path / "policy.toml").write_text(text)
    return read_policy(tmp_path / "policy.toml")


def test_every_key(tmp_path: Path) -> None:
    text = """
deny-license = ["AGPL-*", "none"]
allow-channel = "conda-forge"
max-age = "2w"
require-hash = true
exclude-newer = 2026-03-30
advisories = ["osv:osv", "grype", "pip-audit:osv"]
ignore-advisory = ["PYSEC-1"]
"""
    assert read(tmp_path, text) == Policy(
        deny_licenses=("AGPL-*", "none"),
        allow_channels=("conda-forge",),
        max_age=timedelta(weeks=2),
        require_hash=True,
        exclude_newer=datetime(2026, 3, 31, tzinfo=UTC),
        advisories=(
            AdvisorySource("osv", str(tmp_path / "osv")),
            AdvisorySource("grype"),
            AdvisorySource("pip-audit", "osv"),
        ),
        ignore_advisories=("PYSEC-1",),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("deny-licence = ['AGPL-*']", "unknown keys: deny-licence; there are: deny-license"),
        ("deny-license = 7", "deny-license: expected a list of strings"),
        ("deny-license = ' '", "deny-license: the value is empty"),
        ("allow-channel = []", "allow-channel: an empty list would allow every channel"),
        ("advisories = ''", "advisories: the value is empty"),
        ("advisories = 'osv'", "advisories: osv needs to know where its database is"),
        ("require-hash = 'yes'", "require-hash: expected true or false"),
        ("max-age = 'long'", "max-age: expected a duration"),
        ("exclude-newer = 'soon'", "exclude-newer: expected a date"),
        ("[", "is not valid TOML"),
    ],
)
def test_what_is_misspelt_does_not_allow_everything(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidPolicy, match=message):
        read(tmp_path, text)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PolicyNotFound, match=r"there is no policy .*policy\.toml"):
        read_policy(tmp_path / "policy.toml")


def test_both_must_be_obeyed() -> None:
    one = Policy(deny_licenses=("A",), max_age=timedelta(days=9), exclude_newer=datetime(2026, 1, 1, tzinfo=UTC))
    other = Policy(deny_licenses=("B",), max_age=timedelta(days=3), require_hash=True, allow_channels=("c",))
    both = one.and_also(other)
    assert both == other.and_also(one) or set(both.deny_licenses) == {"A", "B"}
    assert (both.max_age, both.require_hash, both.allow_channels) == (timedelta(days=3), True, ("c",))
    assert both.exclude_newer == one.exclude_newer
    with pytest.raises(InvalidPolicy, match="no channel in common"):
        Policy(allow_channels=("a",)).and_also(Policy(allow_channels=("b",)))


def test_blanks_around_a_word_do_not_count(tmp_path: Path) -> None:
    assert read(tmp_path, "deny-license = 'BSD-3-Clause '").deny_licenses == ("BSD-3-Clause",)


def test_all_sources_of_advisories_count() -> None:
    one, other = AdvisorySource("osv", "a"), AdvisorySource("osv", "b")
    both = Policy(advisories=(one,)).and_also(Policy(advisories=(other, one)))
    assert both.advisories == (one, other)


@pytest.mark.parametrize("text", ["", "2026-13-01", "tomorrow"])
def test_what_is_not_a_moment(text: str) -> None:
    with pytest.raises(ValueError, match="expected a date"):
        to_moment(text)


def test_strings_mean_what_the_command_line_means() -> None:
    policy = Policy(
        deny_licenses="AGPL-*",  # type: ignore[arg-type]
        allow_channels=["conda-forge"],  # type: ignore[arg-type]
        max_age="30d",  # type: ignore[arg-type]
        exclude_newer="2026-03-30",  # type: ignore[arg-type]
        advisories="osv:all.zip",  # type: ignore[arg-type]
    )
    assert policy.deny_licenses == ("AGPL-*",)
    assert policy.allow_channels == ("conda-forge",)
    assert policy.max_age == timedelta(days=30)
    assert policy.exclude_newer == datetime(2026, 3, 31, tzinfo=UTC)
    assert policy.advisories == (AdvisorySource("osv", "all.zip"),)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("deny_licenses", 5),
        ("deny_licenses", [None]),
        ("deny_licenses", ""),
        ("allow_channels", b"conda-forge"),
        ("max_age", 30),
        ("max_age", "30"),
        ("require_hash", "no"),
        ("exclude_newer", "tomorrow"),
        ("exclude_newer", 2026),
        ("exclude_newer", datetime(2026, 3, 30)),
        ("advisories", 5),
        ("advisories", [None]),
        ("ignore_advisories", {"a": 1}),
    ],
)
def test_what_is_no_rule_is_named(name: str, value: object) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{name}"):
        Policy(**{name: value})  # type: ignore[arg-type]
