"""Print docs/commands.md: every command and option, from the tables that `--help` is made of.

python scripts/commands_page.py > docs/commands.md
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator

import click

from conda_docker.cli.app import app
from conda_docker.cli.help import usage_of
from conda_docker.cli.parameters import GENERAL, Argument, Option

_INTRODUCTION = """# Commands

Every command and every option, as `--help` has them (`make docs` writes this page).
[The command line](command-line.md) describes what all commands have in common.
"""


def reference() -> str:
    """Return the page as Markdown."""
    root = click.Context(app, info_name="conda-docker")
    return "\n".join([_INTRODUCTION, *_group(app, root)]).rstrip("\n") + "\n"


def _group(group: click.Group, context: click.Context) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        below = click.Context(command, info_name=name, parent=context)
        if isinstance(command, click.Group):
            yield from _group(command, below)
        else:
            yield _command(command, below)


def _command(command: click.Command, context: click.Context) -> str:
    usage = f"{context.command_path} {usage_of(command, context)}"
    parts = [f"## {context.command_path}", f"```text\n{usage}\n```", inspect.cleandoc(command.help or "")]
    arguments = [param for param in command.params if isinstance(param, Argument)]
    if arguments:
        rows = [(f"`{param.metavar or param.name}`", param.explanation) for param in arguments]
        parts += ["**Arguments**", _table(("argument", ""), rows)]
    for panel, rows in _panels(command, context).items():
        parts += [f"**{panel}**", _table(("option", ""), rows)]
    if command.epilog:
        parts += ["**Examples**", f"```console\n{_prompted(inspect.cleandoc(command.epilog))}\n```"]
    return "\n\n".join(parts) + "\n"


def _panels(command: click.Command, context: click.Context) -> dict[str, list[tuple[str, str]]]:
    panels: dict[str, list[tuple[str, str]]] = {}
    for param in command.params:
        record = param.get_help_record(context)
        panel = param.panel if isinstance(param, Option) else GENERAL
        if record is not None and panel != GENERAL:
            panels.setdefault(panel, []).append((f"`{record[0]}`", record[1]))
    return panels


def _table(head: tuple[str, str], rows: list[tuple[str, str]]) -> str:
    lines = [f"| {head[0]} | {head[1]} |", "|---|---|"]
    lines += [f"| {_cell(name)} | {_cell(text)} |" for name, text in rows]
    return "\n".join(lines)


def _cell(text: str) -> str:
    # Two pairs of brackets in a row would be a link.
    escaped = " ".join(text.split()).replace("|", "\\|").replace("*.", "\\*.").replace("] [", "] \\[")
    return escaped.replace("<", "&lt;")


def _prompted(examples: str) -> str:
    """Put a prompt before every command of an example; comments and continuation lines stay as they are."""
    lines = examples.splitlines()
    return "\n".join(f"$ {line}" if line.startswith("conda") else line for line in lines)


if __name__ == "__main__":
    sys.stdout.write(reference())
