"""What the values of options mean."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from conda_docker.cli.options.arguments import (
    check_one_description,
    parse_additions,
    parse_assignments,
    parse_command,
    parse_image_name,
    parse_location,
    parse_platforms,
    parse_ports,
)
from python_docker.spec.platform import Platform


def test_assignments() -> None:
    assert parse_assignments(["A=1", "B=x=y", "C=", "A=2"], "--env") == {"A": "2", "B": "x=y", "C": ""}
    assert parse_assignments(None, "--env") == {}


@pytest.mark.parametrize("value", ["A", "=1", ""])
def test_what_is_no_assignment_is_refused(value: str) -> None:
    with pytest.raises(typer.BadParameter, match="NAME=VALUE"):
        parse_assignments([value], "--label")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, None),
        ("", ()),
        ("python -m 'my app'", ("python", "-m", "my app")),
        ('["python", "a b"]', ("python", "a b")),
        ("[]", ()),
    ],
)
def test_commands(text: str | None, words: tuple[str, ...] | None) -> None:
    assert parse_command(text, "--cmd") == words


@pytest.mark.parametrize("text", ["'unfinished", "[1, 2]", '["a"', "[]x"])
def test_what_is_no_command_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="no command"):
        parse_command(text, "--cmd")


def test_ports() -> None:
    assert parse_ports(["80", "53/UDP", "5000-5002"]) == ("80/tcp", "53/udp", "5000/tcp", "5001/tcp", "5002/tcp")


@pytest.mark.parametrize("value", ["0", "65536", "5-4", "http", "80/ip", "-1", "80-"])
def test_what_is_no_port_is_refused(value: str) -> None:
    with pytest.raises(typer.BadParameter, match="no port"):
        parse_ports([value])


def test_additions() -> None:
    assert parse_additions(["app:/srv/app", "C:\\x:/y"]) == ((Path("app"), "/srv/app"), (Path("C:\\x"), "/y"))


@pytest.mark.parametrize("value", ["app", "app:", ":/x", "app:relative"])
def test_what_is_no_addition_is_refused(value: str) -> None:
    with pytest.raises(typer.BadParameter, match="SRC:DST"):
        parse_additions([value])


def test_platforms_may_be_repeated_and_separated_by_commas() -> None:
    amd64, arm64 = Platform("linux", "amd64"), Platform("linux", "arm64")
    assert parse_platforms(["linux/amd64,linux/arm64", "linux/amd64"]) == [amd64, arm64]
    assert parse_platforms(None) == []


def test_what_is_no_platform_is_refused() -> None:
    with pytest.raises(typer.BadParameter, match="not a platform"):
        parse_platforms(["linux/amd64,a b"])


def test_a_name_may_not_hold_a_digest() -> None:
    assert parse_image_name("org/demo").familiar == "org/demo:latest"
    for text in ("UPPER", f"demo@sha256:{64 * '0'}"):
        with pytest.raises(typer.BadParameter):
            parse_image_name(text)


def test_a_place_is_told_by_its_form() -> None:
    assert parse_location("demo.tar", "-o").transport == "docker-archive"
    with pytest.raises(typer.BadParameter, match="oci-archive:PATH"):
        parse_location("demo", "-o")


@pytest.mark.parametrize(
    "given", [(["numpy"], None, None, None), (["numpy"], "e.yml", None, None), ([], None, "n", None)]
)
def test_one_description_is_enough(given: tuple) -> None:
    check_one_description(*given)


@pytest.mark.parametrize(
    "given", [([], None, None, None), (["numpy"], None, "n", None), ([], "e.yml", "n", None), ([], None, "n", "p")]
)
def test_none_or_two_descriptions_are_refused(given: tuple) -> None:
    with pytest.raises(typer.BadParameter, match=r"goes into|exclude"):
        check_one_description(*given)
