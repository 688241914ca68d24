"""The page on reports for programs: it describes all of them, and its schema says the same."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click
import jsonschema
import pytest

from conda_docker.cli.app import app
from tests.json_reports import PAGE, check_report, definitions, forms, schema

PAGE_START = "# Page\n\n## one\n\n| field | type | |\n|---|---|---|\n"


def commands(group: click.Group, *before: str) -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, *before, name)
        elif command is not None and any("--json" in param.opts for param in command.params):
            yield " ".join((*before, name))


def test_every_command_with_json_is_described() -> None:
    described = {name for name in forms() if name in PAGE.read_text().replace("## ", "\n").splitlines()}
    assert set(commands(app)) <= described


def test_the_schema_that_is_published_is_that_of_the_page() -> None:
    published = json.loads(PAGE.with_name("json.schema.json").read_text())
    assert published == schema(), "`make docs` writes it anew"
    jsonschema.Draft202012Validator.check_schema(published)


@pytest.mark.parametrize(
    "report",
    [
        {},
        {"bytes_freed": 1},
        {"bytes_freed": "1", "bytes_left": 0},
        {"bytes_freed": 1, "bytes_left": 0, "other": 2},
    ],
)
def test_a_report_that_is_not_as_described_is_found(report: object) -> None:
    with pytest.raises(jsonschema.ValidationError):
        check_report(["cache", "clear", "--json"], json.dumps(report))
    check_report(["cache", "clear", "--json"], '{"bytes_freed": 1, "bytes_left": 0}')


@pytest.mark.parametrize(
    ("written", "good", "bad"),
    [
        ("string or null", [None, "a"], [1]),
        ("`a` or `b c`", ["b c"], ["b"]),
        ("list of lists of strings", [[["a"]], []], ["a", [1]]),
        ("object of integers", [{"a": 1}], [{"a": "b"}]),
        ("`a`, digest or null", ["a", None, "sha256:" + 64 * "0"], ["sha256:x"]),
        ("list of twos or null", [None, [{"a": 1}]], [[{"a": "b"}], [{}]]),
    ],
)
def test_types(written: str, good: list[object], bad: list[object]) -> None:
    page = f"{PAGE_START}| `x` | {written} | |\n\n### two\n\n| field | type | |\n|---|---|---|\n| `a` | integer | |\n"
    found = {"$ref": "#/$defs/one", "$defs": definitions(page, closed=True)}
    for value in good:
        jsonschema.validate({"x": value}, found)
    for value in bad:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"x": value}, found)


@pytest.mark.parametrize("written", ["three", "list of three", "strng"])
def test_a_type_that_nothing_defines(written: str) -> None:
    with pytest.raises(ValueError, match="nothing says what"):
        definitions(f"{PAGE_START}| `x` | {written} | |\n")
