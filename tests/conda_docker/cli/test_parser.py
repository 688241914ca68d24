"""How command lines are read."""

from __future__ import annotations

import os
import subprocess
import sys

import click
import pytest

from conda_docker.cli.app import app
from conda_docker.cli.parameters import GENERAL, Argument, Option
from conda_docker.cli.parser import GENERAL_OPTIONS, Command
from tests.conda_docker.cli.conftest import Run


def parsed(command: Command, args: list[str]) -> dict[str, object]:
    with command.make_context("program", list(args)) as context:
        return context.params


SAMPLE = Command(
    "sample",
    params=[
        Argument("words", metavar="WORD", nargs=-1, explanation="Words."),
        Option("--compression", type=click.Choice(["gzip", "none"])),
        Option("--compression-level", type=int),
        Option("--platform", convert=lambda name, value: (name, value)),
        Option("--json", is_flag=True),
        Option("--not-a-number", convert=lambda name, value: int(value)),
    ],
)


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["--pla", "arm64"], {"platform": ("--platform", "arm64")}),
        (["--pla=arm64"], {"platform": ("--platform", "arm64")}),
        (["--js"], {"json": True}),
        (["a", "--json", "b"], {"json": True, "words": ("a", "b")}),
        (["--compression", "none"], {"compression": "none"}),
        (["--platform", "--json"], {"platform": ("--platform", "--json"), "json": False}),
        (["--", "--pla"], {"words": ("--pla",)}),
    ],
)
def test_options_may_be_abbreviated_and_stand_anywhere(args: list[str], expected: dict[str, object]) -> None:
    assert parsed(SAMPLE, args).items() >= expected.items()


@pytest.mark.parametrize("args", [["--comp", "gzip"], ["--nothing"], ["--compression", "n"]])
def test_ambiguous_and_unknown_options_are_refused(args: list[str]) -> None:
    with pytest.raises(click.UsageError):
        parsed(SAMPLE, args)


def test_a_value_that_cannot_be_meant_is_wrong_usage() -> None:
    with pytest.raises(click.UsageError, match="invalid literal"):
        parsed(SAMPLE, ["--not-a-number", "x"])


@pytest.mark.parametrize("place", ["before", "after"])
def test_options_of_the_program_may_stand_before_and_after_the_command(
    place: str, conda_docker: Run, layout: str
) -> None:
    args = ["copy", layout, "oci-archive:copy.tar"]
    result = conda_docker(*(["-q", *args] if place == "before" else [*args, "-q"]))
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("sha256:")


def test_the_summaries_in_the_help_are_those_of_the_commands() -> None:
    context = click.Context(app)
    for name, summary in app.modules.items():
        command = app.get_command(context, name)
        assert command is not None
        assert command.get_short_help_str(200) == summary


@pytest.mark.parametrize("name", app.modules)
def test_every_option_is_explained_and_has_a_place_in_the_help(name: str) -> None:
    command = app.get_command(click.Context(app), name)
    assert command is not None
    for param in command.params:
        assert isinstance(param, Option | Argument)
        assert param.help if isinstance(param, Option) else param.explanation
        assert isinstance(param, Argument) or (param.panel == GENERAL) == (param in GENERAL_OPTIONS)


@pytest.mark.parametrize(
    ("line", "completions"),
    [
        ("conda-docker co", ["copy"]),
        ("conda-docker cache ", ["info", "prune", "clear", "push", "pull", "path"]),
        ("conda-docker build --layering-strategy s", ["single"]),
        ("conda-docker build --push --lo", ["--load"]),
    ],
)
def test_shells_complete_commands_options_and_values(
    line: str, completions: list[str], environment: dict[str, str]
) -> None:
    words = line.split(" ")
    asked = {"_CONDA_DOCKER_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    code = "import conda_docker.cli; conda_docker.cli.main(program='conda-docker')"
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment | asked, capture_output=True, text=True, timeout=60, check=False
    )
    assert [line.removeprefix("plain,") for line in result.stdout.splitlines()] == completions, result.stderr
    assert os.environ.get("_CONDA_DOCKER_COMPLETE") is None


@pytest.mark.parametrize("args", [["-p", "-n", "5"], ["-pn5"], ["-p", "-n=5"], ["-n5", "--plain"]])
def test_short_options(args: list[str]) -> None:
    sample = Command("sample", params=[Option("-n", "--number", type=int), Option("-p", "--plain", is_flag=True)])
    assert parsed(sample, args) == {"number": 5, "plain": True}
