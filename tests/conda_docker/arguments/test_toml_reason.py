"""What is wrong with a TOML file names the key."""

from __future__ import annotations

import pytest
import tomli

from conda_docker.arguments.toml_reason import toml_reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a = 1\nb = 2\na = 3\n", "a is there twice (line 3)"),
        ("[images.app]\nb = 1\nb = [\n1,\n2]\n", "b is there twice (line 3)"),
        ('"x y" = 1\n"x y" = "b = 2"\n', '"x y" is there twice (line 2)'),
        ("a.b = 1\na = 2\n", "a is there twice (line 2)"),
        ("[a.b]\n[a.b]\n", "[a.b] is there twice (line 2)"),
        ("[a]\n[[a]]\n", "[[a]] is there twice (line 2)"),
        ("a = \n", "Invalid value (at line 1, column 5)"),
    ],
)
def test_reason(text: str, reason: str) -> None:
    with pytest.raises(tomli.TOMLDecodeError) as caught:
        tomli.loads(text)
    assert toml_reason(caught.value) == reason
