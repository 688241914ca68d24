"""What callers pass, made into the values they mean."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conda_docker.arguments.values import to_command, to_mapping, to_text, to_texts


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
    with pytest.raises(ValueError, match=r"--cmd must be words as in a shell, .*not"):
        to_command("--cmd", text)


@pytest.mark.parametrize(
    ("convert", "value"),
    [
        (to_command, "a \udce4"),
        (to_mapping, ["a=\udce4"]),
        (to_mapping, {"\udce4": "a"}),
        (to_text, "\udce4"),
        (to_texts, ["a", "\udce4"]),
    ],
)
def test_bytes_that_are_not_utf_8_are_refused(convert: Callable[[str, object], object], value: object) -> None:
    with pytest.raises(ValueError, match=r"--it.*is not valid UTF-8"):
        convert("--it", value)
