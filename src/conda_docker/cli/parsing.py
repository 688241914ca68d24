"""How command lines are read: options that every command has, abbreviated options, commands imported when used."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from conda_docker.cli.terminal.output import Output

if TYPE_CHECKING:
    from typer._click.core import Command as AnyCommand
    from typer._click.core import Context, Parameter
    from typer._click.formatting import HelpFormatter


SHARED = frozenset({"verbose", "debug", "quiet"})
"""The options of the program that may also be written after a command's name."""


class Command(TyperCommand):
    """A command with the options of the whole program beside its own, which takes unique beginnings of long options."""

    def get_params(self, ctx: Context) -> list[Parameter]:
        """Its own parameters, then those that the program has for all commands."""
        return _cheap([*super().get_params(ctx), *_shared(ctx)])

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, spell_out(args, self.get_params(ctx)))

    def invoke(self, ctx: Context) -> object:
        ctx.find_root().ensure_object(Output).show_logs()
        return super().invoke(ctx)

    def get_help_option(self, ctx: Context) -> TyperOption | None:
        return _printing(super().get_help_option(ctx))

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        from conda_docker.cli.help import write_help

        write_help(self, ctx, formatter, ())


class Group(TyperGroup):
    """Commands, each in a module of its own that is imported when it is used.

    A module has a `typer.Typer` called `app`. `summaries` are shown in the help, where nothing is imported.
    """

    package: ClassVar[str] = "conda_docker.cli.commands"
    summaries: ClassVar[dict[str, str]] = {}

    def list_commands(self, ctx: Context) -> list[str]:
        return [*self.summaries, *self.commands]

    def get_command(self, ctx: Context, cmd_name: str) -> AnyCommand | None:
        if cmd_name not in self.summaries:
            return self.commands.get(cmd_name)
        module = import_module(f"{self.package}.{cmd_name}")
        command: AnyCommand = typer.main.get_command(module.app)
        command.name = cmd_name
        return command

    def get_params(self, ctx: Context) -> list[Parameter]:
        return _cheap([*super().get_params(ctx), *_shared(ctx)])

    def get_help_option(self, ctx: Context) -> TyperOption | None:
        return _printing(super().get_help_option(ctx))

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            # As in all earlier releases: help on standard output, and a failure, since nothing was asked for.
            print_help(ctx)
            raise typer.Exit(1)
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, AnyCommand | None, list[str]]:
        names = self.list_commands(ctx)
        if args and args[0] not in names and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], names, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; there are: {', '.join(names)}"
            ctx.fail(f"no such command: {args[0]!r}{hint}")
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        from conda_docker.cli.help import write_help

        rows = dict(self.summaries)
        for name, command in self.commands.items():
            rows[name] = command.get_short_help_str(80)
        write_help(self, ctx, formatter, list(rows.items()))


def _shared(ctx: Context) -> list[Parameter]:
    """The options of the program that may also be written after a command's name."""
    root = ctx.find_root()
    if root is ctx:
        return []
    return [param for param in root.command.params if param.name in SHARED]


def _cheap(params: list[Parameter]) -> list[Parameter]:
    """`params`, where a flag that is not given is False, not None: to read a None, typer imports pydantic."""
    for param in params:
        if isinstance(param, TyperOption) and param.is_flag and param.default is None:
            param.default = False
    return params


def print_help(ctx: Context) -> None:
    """Write the help of a command to standard output."""
    ctx.find_root().ensure_object(Output).styled(ctx.get_help())


def _printing(option: TyperOption | None) -> TyperOption | None:
    """The option `--help`, which writes as all results are written: `--help | head` is no failure of this program's."""

    def show(ctx: Context, param: Parameter, value: bool) -> None:
        if value and not ctx.resilient_parsing:
            print_help(ctx)
            raise typer.Exit

    if option is not None:
        option.callback = show
    return option


def spell_out(args: list[str], params: Iterable[Parameter]) -> list[str]:
    """`args` with long options spelled out that are written as a beginning no other option has, as argparse allows.

    What cannot be told is left as it is: it is an error in any case.
    """
    takes_value = {
        name: not (param.is_flag or param.count)
        for param in params
        if isinstance(param, TyperOption)
        for name in (*param.opts, *param.secondary_opts)
    }
    spelled: list[str] = []
    rest = iter(args)
    for arg in rest:
        if arg == "--":
            spelled += [arg, *rest]
        elif arg.startswith("--"):
            name, equals, value = arg.partition("=")
            if name not in takes_value:
                found = [option for option in takes_value if option.startswith(name)]
                name = found[0] if len(found) == 1 else name
            spelled.append(name + equals + value)
            if not equals and takes_value.get(name):
                spelled += [value for value in (next(rest, None),) if value is not None]
        else:
            spelled.append(arg)
            if _wants_value(arg, takes_value):
                spelled += [value for value in (next(rest, None),) if value is not None]
    return spelled


def _wants_value(arg: str, takes_value: dict[str, bool]) -> bool:
    """Whether a group of short options (`-vb`) ends with one whose value is the next argument."""
    if len(arg) < 2 or arg[0] != "-":
        return False
    for place, letter in enumerate(arg[1:], 2):
        if takes_value.get(f"-{letter}", False):
            return place == len(arg)
    return False
