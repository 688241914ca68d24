"""What a build reads of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest

from conda_docker.build_options import BuildOptions
from conda_docker.cli.options import attest, policy
from conda_docker.cli.options.asked.inputs import inputs_of, named_inputs
from conda_docker.cli.options.build import OPTIONS
from conda_docker.cli.parameters import shown_name
from conda_docker.policy.advisories.sources import AdvisorySource
from conda_docker.request import Request

PATHS = [param for param in (*OPTIONS, *policy.OPTIONS, *attest.OPTIONS) if isinstance(param.type, click.Path)]
WRITTEN = {"--sbom-output", "--metadata-file", "--iidfile", "--cache-dir"}


def inputs(request: Request, **given: Any) -> dict[str, object]:
    return dict(inputs_of({"advisories": (), **given}, request))


@pytest.mark.parametrize("param", PATHS, ids=shown_name)
def test_every_option_that_takes_a_path_reads_or_writes_it(param: click.Parameter) -> None:
    value = (Path("x"),) if param.multiple else Path("x")
    name = shown_name(param)
    found = inputs(Request(specs="numpy"), **{str(param.name): value})
    assert found == ({} if name in WRITTEN else {f"{name} x": Path("x")})


def test_a_base_on_this_machine_and_added_files() -> None:
    found = inputs(Request(specs="numpy", base="oci:base:1", options=BuildOptions(add=(("app", "/srv"),))))  # type: ignore[arg-type]
    assert list(found) == ["--add app:/srv", "--base oci:base:1"]


def test_streams_are_not_files() -> None:
    assert inputs(Request(files=(Path("-"),)), file=(Path("-"), Path("/dev/fd/3"))) == {}


def test_databases_of_advisories() -> None:
    sources = tuple(map(AdvisorySource.parse, ("osv:all.zip", "pip-audit:pypi", "grype")))
    assert inputs(Request(specs="numpy"), advisories=sources) == {"--advisories osv:all.zip": Path("all.zip")}


def test_rules_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(policy.POLICY_VARIABLE, "rules.toml")
    assert inputs(Request(specs="numpy")) == {f"{policy.POLICY_VARIABLE}=rules.toml": Path("rules.toml")}


def test_files_that_others_name(tmp_path: Path) -> None:
    (tmp_path / "e.yml").write_text("dependencies: [pip, {pip: [-r r.txt]}]")
    (tmp_path / "r.txt").write_text("six")
    found = list(named_inputs(Request(files=(tmp_path / "e.yml",))))
    assert found == [(f"{tmp_path}/r.txt, which --file {tmp_path}/e.yml names", tmp_path / "r.txt")]
    assert list(named_inputs(Request(files=(Path("-"),)))) == []
