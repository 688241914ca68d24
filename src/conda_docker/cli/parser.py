"""How command lines are read: the commands of click, with help, general options and abbreviations of our own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

import click
from click.exceptions import Exit

from conda_docker.arguments.spelling import did_you_mean
from conda_docker.cli.parameters import GENERAL, Option, Together, shown_name
from conda_docker.cli.terminal.output import Output, Verbosity


def _set_verbosity(verbosity: Verbosity) -> Callable[[click.Context, click.Parameter, bool], None]:
    def set_it(ctx: click.Context, param: click.Parameter, given: bool) -> None:
        if given:
            ctx.find_root().ensure_object(Output).verbosity = verbosity

    return set_it


def _set_progress(ctx: click.Context, param: click.Parameter, chosen: str | None) -> None:
    if chosen is not None:
        ctx.find_root().ensure_object(Output).progress = chosen


def _show_help(ctx: click.Context, param: click.Parameter, given: bool) -> None:
    if given and not ctx.resilient_parsing:
        ctx.find_root().ensure_object(Output).styled(ctx.get_help().rstrip())
        raise Exit


def _general(*names: str, callback: Callable[[click.Context, click.Parameter, bool], None], explanation: str) -> Option:
    return Option(
        *names, is_flag=True, is_eager=True, expose_value=False, callback=callback, panel=GENERAL, help=explanation
    )


GENERAL_OPTIONS = (
    _general(
        "-v",
        "--verbose",
        callback=_set_verbosity(Verbosity.VERBOSE),
        explanation="Report each step on a line of its own.",
    ),
    _general("--debug", callback=_set_verbosity(Verbosity.DEBUG), explanation="Show all details, and tracebacks."),
    _general("-q", "--quiet", callback=_set_verbosity(Verbosity.QUIET), explanation="Show only results and errors."),
    Option(
        "--progress",
        metavar="KIND",
        type=click.Choice(["auto", "plain", "none"]),
        is_eager=True,
        expose_value=False,
        envvar="CONDA_DOCKER_PROGRESS",
        callback=_set_progress,
        panel=GENERAL,
        help="Show progress as rows that are redrawn on a terminal and as lines elsewhere (auto), as lines (plain), "
        "or not at all (none).",
    ),
    _general("-h", "--help", callback=_show_help, explanation="Show this message and exit."),
)
"""The options of the whole program, which may stand before or after a command's name."""


_ASKING_FOR_HELP = ("help", "--help", "-h")


class _Readable(click.Command):
    """What reads a command line, in as little time as can be."""

    def make_parser(self, ctx: click.Context) -> Any:
        parser: Any = super().make_parser(ctx)
        # click looks for `-o` among the long options first, and makes an error of its absence, for which it imports
        # what compares words and translates messages: a tenth of the time of a short command.
        parser._long_opt |= parser._short_opt
        return parser


class Command(_Readable):
    """A command, which also has the options of the whole program."""

    def __init__(self, name: str, *, params: Sequence[click.Parameter] = (), **settings: Any) -> None:
        super().__init__(name, params=[*params, *GENERAL_OPTIONS], add_help_option=False, **settings)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        _allow_abbreviations(self, ctx)
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx  # the message ends with whose --help to read
            raise

    def invoke(self, ctx: click.Context) -> Any:
        from conda_docker.installation import overwritten

        output = ctx.find_root().ensure_object(Output)
        output.show_logs()
        if (damage := overwritten()) is not None:
            output.note(f"warning: {damage}")
        return super().invoke(ctx)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from conda_docker.cli.help import write_help

        write_help(self, ctx, formatter)


class Group(_Readable, click.Group):
    """Commands, some of them in modules of their own that are imported when they are used.

    `modules` has the summaries of those, which the help shows without importing them, by names; the module of that name
    in `package` has the command under that name too.
    """

    def __init__(
        self,
        name: str,
        *,
        modules: Mapping[str, str] | None = None,
        package: str = "",
        params: Sequence[click.Parameter] = (),
        **settings: Any,
    ) -> None:
        super().__init__(name, params=[*params, *GENERAL_OPTIONS], add_help_option=False, **settings)
        self.modules = dict(modules or {})
        self.package = package

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.modules, *self.commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.modules:
            return self.commands.get(cmd_name)
        command: click.Command = getattr(import_module(f"{self.package}.{cmd_name}"), cmd_name)
        return command

    def summaries(self, ctx: click.Context) -> list[tuple[str, str]]:
        """Return the names of the commands with a line about each."""
        own = [(name, command.get_short_help_str(80)) for name, command in self.commands.items()]
        return [*self.modules.items(), *own]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            # As in all earlier releases: help on standard output, and a failure, since nothing was asked for.
            ctx.find_root().ensure_object(Output).styled(ctx.get_help().rstrip())
            raise Exit(1)
        if len(args) > 1 and args[0] in _ASKING_FOR_HELP and not args[1].startswith("-"):
            args = [*args[1:], "--help"]  # as git and docker take it
        elif args == ["help"]:
            args = ["--help"]
        _allow_abbreviations(self, ctx)
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        names = self.list_commands(ctx)
        if args[0] not in names and not args[0].startswith("-"):
            from conda_docker.cli.other_words import command_advice

            advice = command_advice(args[0])
            if advice is not None and ctx.parent is None:
                ctx.fail(f"there is no command {args[0]!r}: {advice}")
            hint = did_you_mean(args[0], names, otherwise=f"; there are: {', '.join(names)}")
            ctx.fail(f"no such command: {args[0]!r}{hint}")
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from conda_docker.cli.help import write_help

        write_help(self, ctx, formatter, self.summaries(ctx))


def command(
    *declared: click.Parameter | Together, name: str | None = None, examples: str = "", group: Group | None = None
) -> Callable[[Callable[..., int | None]], Command]:
    """Return a decorator that makes a function a command with these parameters, and a member of `group` if given.

    The function is called with the `Output` and the values by name, those of options that go `Together` as one; what it
    returns is the exit code, None being 0. Its docstring is the help.
    """
    together = [each for each in declared if isinstance(each, Together)]
    params = [param for each in declared for param in (each.options if isinstance(each, Together) else (each,))]

    def make(function: Callable[..., int | None]) -> Command:
        def call(output: Output, /, **values: Any) -> int | None:
            for each in together:
                each.gather(values)
            return function(output, **values)

        made = Command(
            name or function.__name__,
            params=params,
            callback=click.pass_obj(call),
            help=function.__doc__,
            epilog=examples,
        )
        if group is not None:
            group.add_command(made)
        return made

    return make


def usage_message(error: click.ClickException) -> str:
    """Return what is wrong with a command line, in the form of all other messages."""
    if isinstance(error, click.NoSuchOption):
        from conda_docker.cli.other_words import option_advice

        advice = option_advice(error.option_name)
        if advice is not None:
            return f"there is no option {error.option_name}: {advice}"
        hint = f"; did you mean {error.possibilities[0]}?" if error.possibilities else ""
        return f"no such option: {error.option_name}{hint}"
    if isinstance(error, click.BadParameter) and not isinstance(error, click.MissingParameter):
        name = _named(error.param, error.ctx) if error.param else error.param_hint
        message = error.message.partition(" Recognized values:")[0]  # of a flag's variable: all ways to say yes and no
        return (f"{name}: {message}" if name else message).rstrip(".")
    message = error.format_message()
    return message[:1].lower() + message[1:].rstrip(".")


def _named(param: click.Parameter, ctx: click.Context | None) -> str:
    """Return what the user calls a parameter: the variable that its value is from, if it is from one."""
    variable = param.envvar
    if ctx is None or ctx.get_parameter_source(str(param.name)) is not click.ParameterSource.ENVIRONMENT:
        return shown_name(param)
    return variable if isinstance(variable, str) else shown_name(param)


def _allow_abbreviations(command: click.Command, ctx: click.Context) -> None:
    """Take unique beginnings of long options for the options, as argparse did in earlier releases."""
    names = [name[2:] for param in command.get_params(ctx) for name in param.opts if name.startswith("--")]

    def complete(written: str) -> str:
        found = [name for name in names if name.startswith(written)]
        if len(written) > 1 and len(found) == 1 and found != [written]:
            from conda_docker.cli.other_words import NOT_ABBREVIATED

            return written if written in NOT_ABBREVIATED else found[0]
        return written

    ctx.token_normalize_func = complete
