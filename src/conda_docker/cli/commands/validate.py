"""`conda-docker validate`: whether an image is what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from conda_docker.cli.options import common as options
from conda_docker.cli.options.arguments import parse_location
from conda_docker.cli.parsing import Command
from conda_docker.cli.terminal.output import Output
from conda_docker.cli.terminal.report import count, format_size

if TYPE_CHECKING:
    from python_docker.validation import Report

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_EXAMPLES = """
conda-docker validate demo.tar
# All platforms of an image, without downloading layers
conda-docker validate --no-layers docker://ubuntu:24.04
"""


@app.command(cls=Command, epilog=_EXAMPLES)
def validate(
    ctx: typer.Context,
    source: options.Source,
    platform: options.Platform = None,
    no_layers: Annotated[
        bool, typer.Option("--no-layers", help="Check manifests and configs alone: read no layer.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Count warnings as errors.")] = False,
    insecure: options.Insecure = None,
    cacert: options.CaCert = None,
    username: options.Username = None,
    password_stdin: options.PasswordStdin = False,
    json: options.Json = False,
) -> None:
    """Check every digest, size and media type of an image.

    Also diff IDs, history, and what its layers hold. Without --platform, all images of a multi-platform image. Ends
    with 1 when something is wrong. Warnings are about what some tools refuse or read in another way.
    """
    options.check_platform(platform)

    from conda_docker.cli.options.registries import read_login, registry_options
    from python_docker import validation
    from python_docker.choose import image_of
    from python_docker.spec.platform import Platform
    from python_docker.transports import open_source

    output: Output = ctx.obj
    location = parse_location(source, "SRC", default_transport="docker")
    registry = registry_options(
        location, insecure=insecure, ca_bundle=cacert, login=read_login(username, password_stdin=password_stdin)
    )
    opened = open_source(location, registry=registry)
    try:
        with output.progress() as progress:
            if platform is None:
                report = validation.validate_source(opened, layers=not no_layers, progress=progress)
            else:
                image = image_of(opened, Platform.parse(platform))
                report = validation.validate(image, layers=not no_layers, progress=progress)
    finally:
        opened.close()
    _tell(output, str(location), report, json=json)
    if not report.ok or (strict and report.warnings):
        raise typer.Exit(1)


def _tell(output: Output, location: str, report: Report, *, json: bool) -> None:
    if json:
        problems = [
            {"severity": str(problem.severity), "subject": problem.subject, "message": problem.message}
            for problem in report.problems
        ]
        counts = {"images": report.images, "layers": report.layers, "size": report.size}
        output.json({"location": location, "valid": report.ok, "problems": problems, **counts})
        return
    for problem in report.problems:
        output.result(str(problem))
    if report.ok:
        checked = f"{count(report.images, 'image')}, {count(report.layers, 'layer')}, {format_size(report.size)}"
        warnings = f"; {count(len(report.warnings), 'warning')}" if report.warnings else ""
        output.result(f"{location} is valid ({checked}){warnings}")
    else:
        output.result(f"{location} is not valid: {count(len(report.errors), 'error')}")
