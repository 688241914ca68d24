"""What callers pass, made into the values they mean."""

from __future__ import annotations

import pytest

from conda_docker.arguments.values import to_command, to_mapping


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
