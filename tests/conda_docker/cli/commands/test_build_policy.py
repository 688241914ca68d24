"""Rules for packages, as options of `conda-docker build` and in a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.cli.conftest import Run

OLD = SyntheticPackage(
    name="tool", version="1.0", files={"tool": b"1"}, index={"license": "MIT", "timestamp": 1_600_000_000_000}
)
NEW = SyntheticPackage(
    name="tool", version="2.0", files={"tool": b"2"}, index={"license": "AGPL-3.0-only", "timestamp": 1_750_000_000_000}
)
Build = Callable[..., CompletedProcess[str]]


@pytest.fixture
def build(conda_docker: Run, synthetic_channel: SyntheticChannel) -> Build:
    synthetic_channel.add(OLD, NEW)

    def run(*args: str, **options: Any) -> CompletedProcess[str]:
        channel = ["-c", synthetic_channel.url, "--override-channels", "--platform", "linux/amd64"]
        return conda_docker("build", "-b", "scratch", *channel, "-o", "out.tar", *args, **options)

    return run


def test_a_refusal_names_package_and_rule_and_nothing_is_written(build: Build, tmp_path: Path) -> None:
    result = build("tool", "--deny-license", "AGPL-*")
    assert result.returncode == 10
    assert "tool-2.0-0: its license 'AGPL-3.0-only' is denied by --deny-license AGPL-*" in result.stderr
    assert not (tmp_path / "out.tar").exists()
    assert build("tool=1", "--deny-license", "AGPL-*").returncode == 0


def test_a_dry_run_obeys_too(build: Build) -> None:
    result = build("tool", "--deny-license", "AGPL-*", "--dry-run")
    assert (result.returncode, "is denied by" in result.stderr) == (10, True)


def test_an_older_package_is_chosen(build: Build, synthetic_channel: SyntheticChannel) -> None:
    for package in (OLD, NEW):
        synthetic_channel.patch(package, indexed_timestamp=None)
    result = build("tool", "--exclude-newer", "2024-01-01", "--deny-license", "AGPL-*")
    assert result.returncode == 0, result.stderr


def test_the_file_that_a_variable_names(build: Build, tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text('deny-license = ["AGPL-*"]\n')
    for given in ({"env": {"CONDA_DOCKER_POLICY": str(tmp_path / "policy.toml")}}, {}):
        result = build("tool", *([] if given else ["--policy", "policy.toml"]), **given)
        assert "is denied by" in result.stderr
    missing = build("tool", env={"CONDA_DOCKER_POLICY": "missing.toml"})
    assert (missing.returncode, "there is no policy missing.toml" in missing.stderr) == (4, True)


def test_the_rules_of_options_and_file_both_count(build: Build, tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text("require-hash = true\n")
    result = build("tool=1", "--policy", "policy.toml", "--max-age", "30d")
    assert "--max-age allows 30 days" in result.stderr


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["--max-age", "long"], "--max-age: expected a duration"),
        (["--max-age", "3"], "--max-age: expected a duration such as 90d, 12h or 2 weeks, got '3'"),
        (["--exclude-newer", "soon"], "--exclude-newer: expected a date"),
        (["--deny-license", " "], "--deny-license: the value is empty"),
        (["--advisories", ""], "--advisories: the value is empty"),
        (["--advisories", "nvd"], "'nvd' is not a source of advisories"),
        (["--advisories", "osv"], "osv needs to know where its database is"),
        (["--advisories", "pip-audit:me"], "pip-audit:me is not one of its services"),
        (["--policy", ""], "--policy: the path is empty"),
        (["--max-age", "1d", "--max-age", "9y"], "--max-age is given more than once"),
    ],
)
def test_values_that_cannot_be_meant(build: Build, option: list[str], message: str) -> None:
    result = build("tool", *option)
    assert (result.returncode, message in result.stderr) == (2, True)


def test_all_files_and_the_variable_are_obeyed(build: Build, tmp_path: Path) -> None:
    for name, text in (
        ("one", 'deny-license = ["AGPL-*"]'),
        ("two", "require-hash = true"),
        ("three", 'max-age = "1d"'),
    ):
        (tmp_path / f"{name}.toml").write_text(text)
    result = build("tool", "--policy", "one.toml", "--policy", "two.toml", env={"CONDA_DOCKER_POLICY": "three.toml"})
    assert "is denied by --deny-license AGPL-*" in result.stderr
    assert "--max-age allows 1 day\n" in result.stderr


def test_a_lock_obeys_too(conda_docker: Run, synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    synthetic_channel.add(OLD, NEW)
    (tmp_path / "policy.toml").write_text('deny-license = ["AGPL-*"]\n')
    ask = ["tool", "-c", synthetic_channel.url, "--override-channels", "--platform", "linux/amd64", "-b", "scratch"]
    for rule in (["--deny-license", "AGPL-*"], ["--max-age", "30d"], ["--policy", "policy.toml"]):
        result = conda_docker("lock", *ask, *rule)
        assert (result.returncode, "the policy does not allow" in result.stderr) == (10, True), result.stderr
    variable = conda_docker("lock", *ask, env={"CONDA_DOCKER_POLICY": "policy.toml"})
    assert "is denied by" in variable.stderr
    assert not (tmp_path / "conda-docker.lock").exists()


def test_the_rules_that_a_lock_file_records_are_obeyed_beside_others(
    conda_docker: Run, synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    synthetic_channel.add(OLD, NEW)
    ask = ["tool", "-c", synthetic_channel.url, "--override-channels", "--platform", "linux/amd64", "-b", "scratch"]
    (tmp_path / "policy.toml").write_text("require-hash = true\n")
    locked = conda_docker("lock", *ask, "--policy", "policy.toml", "--deny-license", "MIT")
    assert locked.returncode == 0, locked.stderr
    (tmp_path / "elsewhere").mkdir()
    build = ["build", "-f", "../conda-docker.lock", "-o", "out.tar"]
    allowed = conda_docker(*build, folder=tmp_path / "elsewhere")
    assert allowed.returncode == 0, allowed.stderr
    (tmp_path / "policy.toml").write_text('deny-license = ["AGPL-*"]\n')
    for also in ([], ["--deny-license", "BSD-*"]):
        refused = conda_docker(*build, *also, folder=tmp_path / "elsewhere")
        assert (refused.returncode, "denied by --deny-license AGPL-*" in refused.stderr) == (10, True), refused.stderr


def test_the_current_folder_may_be_a_database(build: Build) -> None:
    result = build("tool", "--advisories", "osv:.")
    assert (result.returncode, "the OSV database ." in result.stderr) == (7, True)


def test_a_database_is_found_from_the_folder_of_the_lock_file(
    conda_docker: Run, synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    files = {"site-packages/app-1.0.dist-info/METADATA": b"Name: app\n\n"}
    synthetic_channel.add(
        SyntheticPackage(name="python", version="3.12.1", files={"bin/python3.12": b"python"}),
        SyntheticPackage(name="app", noarch="python", depends=("python",), files=files),
    )
    (tmp_path / "osv").mkdir()
    package = {"ecosystem": "PyPI", "name": "app"}
    advisory = {"id": "PYSEC-1", "affected": [{"package": package, "versions": ["2.0"]}]}
    (tmp_path / "osv" / "one.json").write_text(json.dumps(advisory))
    ask = ["app", "-c", synthetic_channel.url, "--override-channels", "--platform", "linux/amd64", "-b", "scratch"]
    locked = conda_docker("lock", *ask, "--advisories", "osv:osv")
    assert locked.returncode == 0, locked.stderr
    (tmp_path / "elsewhere").mkdir()
    build = ["build", "-f", "../conda-docker.lock", "--bytecode", "never", "-o", "out.tar"]
    assert conda_docker(*build, folder=tmp_path / "elsewhere").returncode == 0
    advisory["affected"] = [{"package": package, "versions": ["1.0"]}]
    (tmp_path / "osv" / "one.json").write_text(json.dumps(advisory))
    refused = conda_docker(*build, folder=tmp_path / "elsewhere")
    assert (refused.returncode, "app 1.0 has the advisory PYSEC-1 in osv:" in refused.stderr) == (10, True)
