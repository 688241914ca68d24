"""The program `conda-docker`: its commands and the options that all of them have."""

from __future__ import annotations

from typing import Annotated, ClassVar

import typer

from conda_docker.cli.parsing import Group
from conda_docker.cli.terminal.output import Output, Verbosity


class Commands(Group):
    """The commands, in the order of the help."""

    summaries: ClassVar[dict[str, str]] = {
        "build": "Build an image from a conda environment.",
        "copy": "Copy an image between registries, archives, layouts and Docker.",
        "inspect": "Show what an image is, and which packages are in it.",
        "validate": "Check every digest, size and media type of an image.",
        "cache": "Show, prune or clear the cache of layers.",
    }


app = typer.Typer(
    name="conda-docker",
    cls=Commands,
    help="Docker and OCI images from conda environments, without Docker.",
    epilog="""
    conda-docker build -b debian:stable-slim -i demo:1.0 -o demo.tar python=3.12 numpy
    conda-docker copy docker://ubuntu:24.04 oci:ubuntu:24.04
    conda-docker inspect demo.tar
    """,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _show_version(ctx: typer.Context, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from python_docker import __version__

        _output(ctx).result(f"conda-docker {__version__}")
        raise typer.Exit


def _set_verbose(ctx: typer.Context, value: bool) -> None:
    if value:
        _output(ctx).verbosity = Verbosity.VERBOSE


def _set_debug(ctx: typer.Context, value: bool) -> None:
    if value:
        _output(ctx).verbosity = Verbosity.DEBUG


def _set_quiet(ctx: typer.Context, value: bool) -> None:
    if value:
        _output(ctx).verbosity = Verbosity.QUIET


def _output(ctx: typer.Context) -> Output:
    output: Output = ctx.find_root().ensure_object(Output)
    return output


@app.callback()
def conda_docker(
    version: Annotated[
        bool,
        typer.Option(
            "-V",
            "--version",
            callback=_show_version,
            is_eager=True,
            expose_value=False,
            help="Show the version and exit.",
        ),
    ] = False,
    # Flags: typer reads all other values with pydantic, which takes long to import.
    verbose: Annotated[
        bool,
        typer.Option(
            "-v",
            "--verbose",
            callback=_set_verbose,
            is_eager=True,
            expose_value=False,
            help="Tell what is done, a line each.",
        ),
    ] = False,
    debug: Annotated[
        bool,
        typer.Option(
            "--debug", callback=_set_debug, is_eager=True, expose_value=False, help="Show all details, and tracebacks."
        ),
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option(
            "-q",
            "--quiet",
            callback=_set_quiet,
            is_eager=True,
            expose_value=False,
            help="Show results and errors only.",
        ),
    ] = False,
) -> None:
    """Take the options of the whole program."""
