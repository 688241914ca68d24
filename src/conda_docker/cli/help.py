"""The text of `--help`: panels on a terminal, plain paragraphs elsewhere.

Panels are drawn by rich, which takes as long to import as everything else that `--help` needs: only a terminal pays.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from conda_docker.cli.parameters import GENERAL, Argument, Option

if TYPE_CHECKING:
    from rich.text import Text

Rows = list[tuple[str, str]]

_WIDTH = 100


def write_help(
    command: click.Command,
    context: click.Context,
    formatter: click.HelpFormatter,
    commands: Sequence[tuple[str, str]] = (),
) -> None:
    """Write the help of a command into `formatter`; `commands` are the names and summaries of those below it."""
    sections = _sections(command, context)
    if commands:
        sections = {"Commands": list(commands), **sections}
    usage = usage_of(command, context)
    text = inspect.cleandoc(command.help or "")
    examples = inspect.cleandoc(command.epilog or "")
    if sys.stdout.isatty():
        formatter.write(_panels(f"{context.command_path} {usage}", text, sections, examples))
        return
    formatter.write_usage(context.command_path, usage)
    formatter.write_paragraph()
    with formatter.indentation():
        formatter.write_text(text)
    for title, rows in sections.items():
        with formatter.section(title):
            formatter.write_dl(rows)
    if examples:
        with formatter.section("Examples"):
            formatter.write("".join(f"  {line}".rstrip() + "\n" for line in examples.splitlines()))


def usage_of(command: click.Command, context: click.Context) -> str:
    """Return what follows a command's name: its arguments, in brackets those that may be left out."""
    pieces = ["[OPTIONS]"]
    for param in command.get_params(context):
        if isinstance(param, Argument):
            name = str(param.metavar)
            pieces.append((name if param.required else f"[{name}]") + ("..." if param.nargs != 1 else ""))
    return " ".join([*pieces, *(["COMMAND [ARGS]..."] if isinstance(command, click.Group) else [])])


def _sections(command: click.Command, context: click.Context) -> dict[str, Rows]:
    """Return the rows of each panel; what every command has comes last."""
    sections: dict[str, Rows] = {}
    for param in command.get_params(context):
        if isinstance(param, Argument):
            sections.setdefault("Arguments", []).append((str(param.metavar), param.explanation))
        elif record := param.get_help_record(context):
            panel = param.panel if isinstance(param, Option) else GENERAL
            sections.setdefault(panel, []).append(record)
    general = sections.pop(GENERAL, [])
    return {**sections, **({GENERAL: general} if general else {})}


def _panels(usage: str, text: str, sections: dict[str, Rows], examples: str) -> str:
    from rich.console import Console
    from rich.padding import Padding
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    console = Console(width=min(Console().width, _WIDTH), highlight=False)
    with console.capture() as capture:
        console.print(Padding(Text.assemble(("Usage: ", "yellow"), (usage, "bold")), (1, 1, 0, 1)))
        console.print(Padding(Text(_unwrapped(text)), (1, 1)))
        for title, rows in sections.items():
            table = Table(box=None, show_header=False, padding=(0, 1), pad_edge=False)
            table.add_column(no_wrap=max(len(left) for left, _ in rows) <= _WIDTH // 2)
            table.add_column(ratio=1)
            for left, right in rows:
                table.add_row(_names(left), _explained(right))
            console.print(Panel(table, title=title, title_align="left", border_style="dim"))
        if examples:
            lines = Text(examples)
            lines.highlight_regex(r"(?m)^#.*$", "dim")
            console.print(Panel(lines, title="Examples", title_align="left", border_style="dim"))
    return capture.get()


def _names(left: str) -> Text:
    from rich.text import Text

    text = Text(left)
    text.highlight_regex(r"(?<!\S)--?[\w-]+|^[a-z][\w-]*$", "bold cyan")
    text.highlight_regex(r"(?<!\S)[A-Z][^,]*|<[^>]*>", "yellow")
    return text


def _explained(right: str) -> Text:
    from rich.text import Text

    text = Text(right)
    text.highlight_regex(r"\[(default|env var|required)[^\]]*\]$", "dim")
    return text


def _unwrapped(text: str) -> str:
    """Return paragraphs as one line each, for a console that wraps them anew."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
