"""Every command line in the documentation is one that the program takes."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
import yaml

from conda_docker.cli.app import app
from tests.documentation.pages import PAGES, Block, blocks, invocations

SHELLS = ("console", "bash", "sh")


def _scripts(block: Block) -> list[str]:
    """Return the shell scripts in a block: the session, or what stands in a CI configuration."""
    if block.language in SHELLS:
        return list(block.commands()) if block.language == "console" else [block.text]
    if block.language == "yaml":
        return list(_strings(list(yaml.safe_load_all(block.text))))
    return []


def _strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for child in value.values() for text in _strings(child)]
    if isinstance(value, list):
        return [text for child in value for text in _strings(child)]
    return [value] if isinstance(value, str) else []


CALLS = [
    pytest.param(arguments, id=f"{block}-{number}")
    for page in PAGES
    for block in blocks(page)
    for number, arguments in enumerate(call for script in _scripts(block) for call in invocations(script))
]


def test_there_are_some() -> None:
    assert len(CALLS) > 50


@pytest.mark.parametrize("arguments", CALLS)
def test_the_program_takes_it(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for argument in arguments:
        if "/" not in argument and Path(argument).suffix in {".yml", ".lock", ".txt", ".toml", ".tar"}:
            Path(argument).touch()
    context: click.Context | None = None
    command: click.Command = app
    rest = list(arguments)
    while isinstance(command, click.Group):
        name = rest.pop(0)
        found = command.get_command(context or click.Context(app), name)
        assert found is not None, f"there is no command {name!r}"
        command = found
    if rest in (["--help"], ["-h"]):
        return
    command.make_context(command.name, rest)
