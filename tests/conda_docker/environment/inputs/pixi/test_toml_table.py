"""TOML with typed access, whose errors name the key and where possible the line."""

from __future__ import annotations

import pytest

from conda_docker.environment.inputs.pixi.toml_table import Table, parse_toml
from conda_docker.errors import InvalidEnvironment

TEXT = """
flag = true
[workspace]
name = "x"
"channels" = ["a", "b"]
[feature.test.dependencies]
pytest = { version = "8" }
"""


@pytest.fixture
def document() -> Table:
    return parse_toml(TEXT, "pixi.toml")


def test_values_by_kind(document: Table) -> None:
    workspace = document.table("workspace")
    assert (workspace.text("name"), workspace.texts("channels"), document.truth("flag")) == ("x", ("a", "b"), True)
    assert [name for name, _ in document.tables("feature")] == ["test"]


def test_what_is_not_there(document: Table) -> None:
    assert (document.text("x"), document.truth("x"), document.texts("x"), document.value("x")) == (
        None,
        False,
        (),
        None,
    )
    assert not document.table("x")
    assert "x" not in document


@pytest.mark.parametrize(
    ("read", "words"),
    [
        (lambda table: table.text("channels"), "line 5 of pixi.toml: `workspace.channels` should be a string"),
        (lambda table: table.texts("name"), "line 4 of pixi.toml: `workspace.name` should be a list"),
        (lambda table: table.truth("name"), "`workspace.name` should be true or false"),
        (lambda table: table.table("name"), "`workspace.name` should be a table"),
    ],
)
def test_another_kind_is_named_with_its_place(document: Table, read: object, words: str) -> None:
    with pytest.raises(InvalidEnvironment) as caught:
        read(document.table("workspace"))  # type: ignore[operator]
    assert words in str(caught.value)


def test_a_list_of_other_things_than_strings() -> None:
    with pytest.raises(InvalidEnvironment, match="should be a list of strings"):
        parse_toml("a = [1]", "pixi.toml").texts("a")


def test_a_key_of_an_inline_table_has_no_line(document: Table) -> None:
    inline = document.table("feature").table("test").table("dependencies").table("pytest")
    assert inline.where("version") == "pixi.toml: `feature.test.dependencies.pytest.version`"


def test_inline_tables_may_go_over_lines() -> None:
    assert parse_toml('a = {\n b = "c",\n}', "pixi.toml").table("a").text("b") == "c"


@pytest.mark.parametrize(
    ("text", "words"), [("a = 1\nb =\n", r"pixi\.toml is not valid TOML: .*line 2"), ("a=" + "[" * 5000, "nested too")]
)
def test_what_is_not_toml(text: str, words: str) -> None:
    with pytest.raises(InvalidEnvironment, match=words):
        parse_toml(text, "pixi.toml")


def test_lines_that_only_look_like_keys_take_no_time() -> None:
    document = parse_toml("x = '''\n" + "." * 60 + "\n" + "a." * 60 + "\n'''\n\"b\" . c = 1\n", "pixi.toml")
    assert document.table("b").where("c") == "line 5 of pixi.toml: `b.c`"
