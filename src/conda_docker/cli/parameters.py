"""Options and arguments: those of click, with a panel in the help and with what their values mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import click

GENERAL = "General options"
"""The panel of the help with the options that every command has."""

Conversion = Callable[[str, Any], object]
"""Converts the value of an option, whose name comes first; raises `ValueError`, `TypeError` or `Error`."""


class FilePath(click.Path):
    """A path. An empty one, as a script has it whose variable is not set, is refused: `Path` has the current folder.

    Whether it can be read is seen, and said, by who reads it.
    """

    def __init__(self) -> None:
        super().__init__(path_type=Path, readable=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("the path is empty", param, ctx)
        return super().convert(value, param, ctx)


class Option(click.Option):
    """An option with its place in the help, and with what its value means.

    `panel` is the title that the help shows it under. `sets` names the field of a request that takes the value, such
    as `options.cmd` (see `conda_docker.cli.options.build`). `convert` is called with the option's name and its value,
    unless that is None, and gives the value that the command gets. An option that may stand only `once` is an error
    where it is repeated: of others without `multiple` the last one counts.
    """

    def __init__(
        self,
        *declarations: str,
        panel: str = "Options",
        sets: str = "",
        convert: Conversion | None = None,
        once: bool = False,
        **settings: Any,
    ) -> None:
        if convert is not None:
            settings["callback"] = _calling(convert)
        super().__init__(declarations, **settings)
        self.convert = convert
        self.panel = panel
        self.sets = sets
        self.once = once

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """Have the parser keep every value of an option that may stand once, so that a second one is seen."""
        if self.once:
            parser.add_option(obj=self, opts=self.opts, dest=self.name, action="append")
        else:
            super().add_to_parser(parser, ctx)

    def consume_value(self, ctx: click.Context, opts: Mapping[str, Any]) -> tuple[Any, click.ParameterSource]:
        """Return the value and where it is from. Raises a usage error for a second value where one may stand once."""
        found = opts.get(str(self.name))
        if self.once and found is not None:
            if len(found) > 1:
                raise click.UsageError(f"{shown_name(self)} is given more than once", ctx)
            opts = {**opts, str(self.name): found[0]}
        return super().consume_value(ctx, opts)


class Argument(click.Argument):
    """An argument with an explanation, and with what its value means: see `Option`."""

    def __init__(self, name: str, *, explanation: str, convert: Conversion | None = None, **settings: Any) -> None:
        if convert is not None:
            settings["callback"] = _calling(convert)
        super().__init__([name], **settings)
        self.convert = convert
        self.explanation = explanation


class Together(NamedTuple):
    """Options that a command gets as one value, `name`: what `make` gives when it is called with theirs, by name."""

    name: str
    options: tuple[Option, ...]
    make: Callable[..., object]

    def gather(self, values: dict[str, Any]) -> None:
        """Put the one value in the place of those of the options."""
        values[self.name] = self.make(**{str(option.name): values.pop(str(option.name)) for option in self.options})


def _calling(convert: Conversion) -> Callable[[click.Context, click.Parameter, Any], object]:
    """Return what click calls with the value of a parameter; a value that is not valid becomes a usage error."""

    def call(ctx: click.Context, param: click.Parameter, value: Any) -> object:
        from python_docker.errors import Error

        if value is None or ctx.resilient_parsing:
            return value
        ctx.meta[_raw_key(param)] = value
        name = shown_name(param)
        try:
            return convert(name, value)
        except Error as error:  # first: some are ValueErrors too
            if str(error).startswith(name):
                raise click.UsageError(str(error), ctx) from None
            raise click.BadParameter(str(error), ctx, param) from None
        except (ValueError, TypeError) as error:
            raise click.UsageError(str(error), ctx) from None

    return call


def _raw_key(param: click.Parameter) -> str:
    return f"{__name__}.{param.name}"


def raw_value(ctx: click.Context, param: click.Parameter) -> object:
    """Return what was written for an option, before it was converted."""
    return ctx.meta.get(_raw_key(param), ctx.params.get(str(param.name)))


def shown_name(param: click.Parameter) -> str:
    """Return what a parameter is called in messages."""
    return max(param.opts, key=len) if isinstance(param, click.Option) else str(getattr(param, "metavar", param.name))
