"""What callers pass, made into the values they mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.arguments import to_additions, to_command, to_mapping, to_ports


def test_assignments() -> None:
    assert to_mapping("--env", ["A=1", "B=x=y", "C=", "A=2"]) == {"A": "2", "B": "x=y", "C": ""}


@pytest.mark.parametrize("value", ["A", "=1", ""])
def test_other_forms_of_assignments_are_refused(value: str) -> None:
    with pytest.raises(ValueError, match="--label: expected NAME=VALUE, got"):
        to_mapping("--label", [value])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ()),
        ("python -m 'my app'", ("python", "-m", "my app")),
        ('["python", "a b"]', ("python", "a b")),
        ("[]", ()),
    ],
)
def test_commands(text: str, words: tuple[str, ...]) -> None:
    assert to_command("--cmd", text) == words


@pytest.mark.parametrize("text", ["'unfinished", "[1, 2]", '["a"', "[]x"])
def test_other_forms_of_commands_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="--cmd must be a command, not"):
        to_command("--cmd", text)


def test_ports() -> None:
    assert to_ports("--expose", ["80", "53/UDP", "5000-5002"]) == (
        "80/tcp",
        "53/udp",
        "5000/tcp",
        "5001/tcp",
        "5002/tcp",
    )


@pytest.mark.parametrize("value", ["0", "65536", "5-4", "http", "80/ip", "-1", "80-"])
def test_other_forms_of_ports_are_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"--expose: .* is not a valid port"):
        to_ports("--expose", [value])


def test_additions() -> None:
    assert to_additions("--add", ["app:/srv/app", "C:\\x:/y"]) == ((Path("app"), "/srv/app"), (Path("C:\\x"), "/y"))


@pytest.mark.parametrize("value", ["app", "app:", ":/x", "app:relative", "app:/../../etc"])
def test_other_forms_of_additions_are_refused(value: str) -> None:
    messages = "expected SRC:DST|the place in the image (must be an absolute path|may not hold)"
    with pytest.raises(ValueError, match=f"--add: ({messages})"):
        to_additions("--add", [value])
