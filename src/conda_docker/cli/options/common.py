"""Options that several commands have, spelled once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from python_docker.errors import InvalidPlatform
from python_docker.transports.table import FORMS

REGISTRIES = "Registries"
"""The panel of the help that these options are in."""

LOCATIONS = f"{FORMS}, or a path that ends in .tar"

Source = Annotated[str, typer.Argument(metavar="SRC", help=f"The image: {LOCATIONS}, or a name in a registry.")]

Json = Annotated[bool, typer.Option("--json", help="Print a machine-readable report.")]

Platform = Annotated[
    str | None,
    typer.Option(
        "--platform",
        metavar="OS/ARCH",
        help="Of a multi-platform image the one for this platform, such as linux/arm64 "
        "(else: Linux on this machine's processor).",
    ),
]

FormatName = Literal["oci", "docker"]
CompressionName = Literal["gzip", "zstd", "none"]

CompressionLevel = Annotated[
    int | None, typer.Option("--compression-level", metavar="N", help="1 to 12 for gzip, 1 to 22 for zstd.")
]

Insecure = Annotated[
    list[str] | None,
    typer.Option(
        "--insecure",
        metavar="HOST",
        rich_help_panel=REGISTRIES,
        help="Take any certificate of this registry, and plain HTTP; repeatable.",
    ),
]

CaCert = Annotated[
    Path | None,
    typer.Option(
        "--cacert", metavar="PEM", rich_help_panel=REGISTRIES, help="Trust these certificates in place of the system's."
    ),
]

Username = Annotated[
    str | None,
    typer.Option(
        "--username",
        metavar="NAME",
        rich_help_panel=REGISTRIES,
        help="Log in with this name; the password comes from standard input, from the environment variable "
        "CONDA_DOCKER_PASSWORD, or is asked for.",
    ),
]

PasswordStdin = Annotated[
    bool,
    typer.Option("--password-stdin", rich_help_panel=REGISTRIES, help="Read the password from standard input."),
]


def check_platform(text: str | None) -> None:
    """Raise a usage error unless `text` is a platform or None."""
    from python_docker.spec.platform import Platform

    if text is not None:
        try:
            Platform.parse(text)
        except InvalidPlatform as error:
            raise typer.BadParameter(str(error), param_hint="--platform") from None


def check_level(compression: str | None, level: int | None, *, default: str | None = None) -> None:
    """Raise a usage error unless `level` is one that the compression has."""
    if level is None:
        return
    from python_docker import compression as compressions

    name = compression or default
    if name is None:
        raise typer.BadParameter("give --compression too", param_hint="--compression-level")
    try:
        compressions.check_level(compressions.Compression(name), level)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--compression-level") from None
