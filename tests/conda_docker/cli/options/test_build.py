"""The options of `build`: what each sets, and that nothing is forgotten."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import click
import pytest

from conda_docker.build_options import BuildOptions, Bytecode, Layering
from conda_docker.cli.commands.build import build
from conda_docker.cli.options.build import OPTIONS, values_for
from conda_docker.cli.options.content import CHANNEL_PRIORITIES, EDITABLE
from conda_docker.cli.parameters import Option
from conda_docker.environment.inputs.pip_installed import Editable
from conda_docker.request import ChannelPriority, Request

FIELDS = {"request": Request, "options": BuildOptions}
NOT_OPTIONS = {
    *("request.specs", "request.options", "request.base_registry", "request.pip_packages", "request.policy"),
    *("request.solve_seconds", "options.workers"),
}
"""What the command line gives by arguments, by the options for registries, policies and the server, or not at all."""


def options_of(*args: str) -> BuildOptions:
    with build.make_context("build", ["-o", "x.tar", "numpy", *args]) as context:
        return BuildOptions(**values_for("options", context.params))


def test_every_field_of_a_request_has_one_option_that_sets_it() -> None:
    there = {f"{target}.{field.name}" for target, kind in FIELDS.items() for field in fields(kind)}
    is_set = [option.sets for option in OPTIONS if isinstance(option, Option) and option.sets]
    assert len(is_set) == len(set(is_set))
    assert set(is_set) == there - NOT_OPTIONS


def test_what_the_help_says_of_a_request_is_what_requests_have() -> None:
    assert tuple(ChannelPriority) == CHANNEL_PRIORITIES
    assert tuple(Editable) == EDITABLE


def test_without_options_a_build_has_the_defaults_of_its_fields() -> None:
    assert options_of() == BuildOptions()


def test_options_become_values() -> None:
    given = ["--layering-strategy", "single", "--bytecode", "never", "--max-layers", "7", "--trim", "--no-cache"]
    assert options_of(
        *given, "--offline", "--env", "A=1", "--cmd", "python -m app", "--expose", "80", "--add", "app:/srv"
    ) == (
        BuildOptions(
            layering=Layering.SINGLE,
            bytecode=Bytecode.NEVER,
            max_layers=7,
            trim=True,
            use_cache=False,
            offline=True,
            env={"A": "1"},
            cmd=("python", "-m", "app"),
            expose=("80/tcp",),
            add=((Path("app"), "/srv"),),
        )
    )


@pytest.mark.parametrize("text", ["pipped:1", "team/app:v2.0", "x:latest"])
def test_an_image_in_place_of_a_spec(text: str) -> None:
    with pytest.raises(click.UsageError, match=f"did you mean --image {text}"):
        options_of(text)


@pytest.mark.parametrize("text", ["numpy", "python=3.12", "bioconda::samtools", "conda-forge::a=1", "main:numpy"])
def test_specs_with_colons(text: str) -> None:
    with build.make_context("build", ["-o", "x.tar", text]) as context:
        assert context.params["specs"] == (text,)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--file", ""], "'--file': the path is empty"),
        (["--cache-dir", ""], "'--cache-dir': the path is empty"),
        (["--iidfile", ""], "'--iidfile': the path is empty"),
        (["--project", ""], "'--project': the path is empty"),
        (["--channel", " "], "--channel: ' ' is not a channel"),
        (["--compression", "bzip2"], "'bzip2' is not one of 'none', 'gzip', 'zstd'"),
        (["--insecure", "http://localhost:5000"], "--insecure: expected a host such as localhost:5000, got 'http://"),
        (["--insecure", ""], "--insecure: expected a host such as localhost:5000, got ''"),
        (["--add", "a:/a", "--chown", "-1"], "--chown must be a name or a number"),
        (["--add", "a:/a", "--chown", "a b"], "--chown must be a name or a number"),
        (["--user", "1000", "--user-name", "a b"], "--user-name cannot be 'a b'"),
    ],
)
def test_a_value_that_cannot_be_meant_names_its_option(args: list[str], message: str) -> None:
    with pytest.raises(click.UsageError) as caught:
        options_of(*args)
    assert message in caught.value.format_message()


@pytest.mark.parametrize("host", ["localhost:5000", "[::1]:5000", "registry.example.com", "my_registry", "127.0.0.1"])
def test_hosts_that_need_not_be_verified(host: str) -> None:
    with build.make_context("build", ["-o", "x.tar", "numpy", "--insecure", host]) as context:
        assert context.params["insecure"] == (host,)
