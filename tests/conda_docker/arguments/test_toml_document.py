"""TOML documents, and what is wrong with those that cannot be read."""

from __future__ import annotations

import re

import pytest

from conda_docker.arguments.toml_document import toml_document
from conda_docker.errors import InvalidEnvironment


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
        ("a = " + "[" * 5000, "it is nested too deeply"),
        ("a = " + "1" * 5000, "it holds a number with too many digits"),
    ],
)
def test_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidEnvironment, match=f"^pixi.toml is not valid TOML: {re.escape(reason)}$"):
        toml_document(text, "pixi.toml")


def test_inline_tables_may_go_over_lines() -> None:
    assert toml_document('a = {\n b = "c",\n}', "pixi.toml") == {"a": {"b": "c"}}
