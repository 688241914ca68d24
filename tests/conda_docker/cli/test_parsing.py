"""How command lines are read."""

from __future__ import annotations

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.main import get_command

from conda_docker.cli.app import Commands, app
from conda_docker.cli.parsing import spell_out
from tests.conda_docker.cli.conftest import Run


def params() -> list:
    command = get_command(app).get_command(None, "copy")
    with typer.Context(command) as context:
        return command.get_params(context)


PARAMS = params()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (["--comp", "gzip"], ["--comp", "gzip"]),  # --compression or --compression-level
        (["--pla", "arm64"], ["--platform", "arm64"]),
        (["--pla=arm64"], ["--platform=arm64"]),
        (["--compression", "--pla"], ["--compression", "--pla"]),  # a value, whatever it looks like
        (["--", "--pla"], ["--", "--pla"]),
        (["--js"], ["--json"]),
        (["--nothing"], ["--nothing"]),
        (["-"], ["-"]),
        (["--platform"], ["--platform"]),
    ],
)
def test_unique_beginnings_of_long_options_are_spelled_out(written: list[str], meant: list[str]) -> None:
    assert spell_out(written, PARAMS) == meant


@given(st.lists(st.sampled_from(["--pla", "--json", "-v", "--platform=x", "--", "a", "-", "--compression", "--pl=1"])))
def test_no_argument_is_added_or_lost(written: list[str]) -> None:
    meant = spell_out(written, PARAMS)
    assert len(meant) == len(written)
    assert all(new.startswith(old.partition("=")[0]) for old, new in zip(written, meant, strict=True))


@pytest.mark.parametrize("place", ["before", "after"])
def test_options_of_the_program_may_stand_before_and_after_the_command(
    place: str, conda_docker: Run, layout: str
) -> None:
    args = ["copy", layout, "oci-archive:copy.tar"]
    result = conda_docker(*(["-q", *args] if place == "before" else [*args, "-q"]))
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("sha256:")


def test_the_summaries_in_the_help_are_those_of_the_commands() -> None:
    group = get_command(app)
    for name, summary in Commands.summaries.items():
        assert group.get_command(None, name).get_short_help_str(200) == summary
