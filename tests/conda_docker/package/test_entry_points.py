"""Entry points become a path and a script, so only what can be both is taken."""

from __future__ import annotations

from typing import Any

import pytest

from conda_docker.package.entry_points import EntryPoint, parse_entry_points


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("flask = flask.cli:main", EntryPoint("flask", "flask.cli", "main")),
        ("a=b:c", EntryPoint("a", "b", "c")),
        ("a = b:c.d", EntryPoint("a", "b", "c.d")),
        ("a = b:c [x]", EntryPoint("a", "b", "c")),
        ("a = b:c[x,y] ", EntryPoint("a", "b", "c")),
        ("a = é:ü", EntryPoint("a", "é", "ü")),
    ],
)
def test_entry_points(text: str, point: EntryPoint) -> None:
    assert parse_entry_points([text]) == ((point,), ())


@pytest.mark.parametrize("text", ["", "a", "a=b", "=b:c", "a=:c", "a=b:", "a=b-c:d", "a=b:c()", "a=b:1c", "a=b..c:d"])
def test_no_command(text: str) -> None:
    assert parse_entry_points([text]) == ((), (repr(text),))


@pytest.mark.parametrize(
    "text",
    ["a/b=c:d", "a\\b=c:d", ".a=c:d", "..=c:d", "a\0=c:d", "a\nb=c:d", "a=b c:d", "a=b:c\nimport os", "\ud800=a:b"],
)
def test_hostile_text(text: str) -> None:
    points, unusable = parse_entry_points([text])
    assert points == ()
    assert unusable[0].isprintable()


@pytest.mark.parametrize("row", [1, None, {}, [], True])
def test_rows_that_are_not_strings(row: Any) -> None:
    assert parse_entry_points([row]) == ((), (repr(str(row)),))
