"""Options that several commands have, declared once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import click

from conda_docker.cli.options.arguments import to_destination, to_platform, to_source
from conda_docker.cli.parameters import Argument, FilePath, Option, Together
from python_docker.transports.table import FORMS

if TYPE_CHECKING:
    from conda_docker.cli.options.registries import Access

_HOST = r"(?:\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::\d{1,5})?"
REGISTRIES = "Registries"
BILLS = "Bills of materials"
"""The panel of the help that these options are in."""

LOCATIONS = f"{FORMS}, or a path that ends in .tar"

SOURCE = Argument(
    "source",
    metavar="SRC",
    convert=to_source,
    explanation=f"The image: {FORMS}, the path of an archive or layout, or a name in a registry.",
)

DESTINATION = Argument("destination", metavar="DST", convert=to_destination, explanation=f"Where it goes: {LOCATIONS}.")

CACHE_DIR = Option(
    "--cache-dir",
    metavar="DIR",
    type=FilePath(),
    envvar="CONDA_DOCKER_CACHE",
    help="The folder of the cache.",
)

JSON = Option("--json", is_flag=True, help="Print a machine-readable report.")

PLATFORM = Option(
    "--platform",
    metavar="OS/ARCH",
    convert=to_platform,
    help="Take the image for this platform, such as linux/arm64, from a multi-platform image "
    "[default: Linux on this machine's processor]",
)

FORMATS = click.Choice(["oci", "docker"])
COMPRESSIONS = click.Choice(["gzip", "zstd", "none"])

COMPRESSION_LEVEL = Option("--compression-level", metavar="N", type=int, help="1 to 12 for gzip, 1 to 22 for zstd.")


def _hosts(name: str, texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return hosts. Raises `ValueError` for what is none, such as a URL: it would match no registry."""
    for text in texts:
        if not re.fullmatch(_HOST, text):
            raise ValueError(f"{name}: expected a host such as localhost:5000, got {text[:200]!r}")
    return texts


INSECURE = Option(
    "--insecure",
    metavar="HOST",
    multiple=True,
    convert=_hosts,
    panel=REGISTRIES,
    help="Do not verify the TLS certificate of this registry, and allow plain HTTP; repeatable.",
)

CACERT = Option(
    "--cacert",
    metavar="PEM",
    type=FilePath(),
    panel=REGISTRIES,
    help="Trust these certificates in place of the system's.",
)

USERNAME = Option(
    "--username",
    metavar="NAME",
    panel=REGISTRIES,
    help="Log in with this name; the password comes from standard input, from the environment variable "
    "CONDA_DOCKER_PASSWORD, or is asked for.",
)

PASSWORD_STDIN = Option(
    "--password-stdin", is_flag=True, panel=REGISTRIES, help="Read the password from standard input."
)


def _access(**values: Any) -> Access:
    from conda_docker.cli.options.registries import Access, check_bundle

    check_bundle(values["cacert"])
    return Access(**values)


ACCESS = Together("access", (INSECURE, CACERT), _access)
"""How to reach registries."""

LOGIN = Together("access", (INSECURE, CACERT, USERNAME, PASSWORD_STDIN), _access)
"""How to reach registries, and as whom the one that SRC is in."""


def check_level(compression: str | None, level: int | None) -> None:
    """Raise a usage error unless `level` is one that the compression has."""
    if level is None:
        return
    from python_docker.streams import compression as compressions

    if compression is None:
        raise click.UsageError("--compression-level needs --compression")
    if compression == compressions.Compression.NONE:
        raise click.UsageError("--compression-level cannot be used with --compression none")
    try:
        compressions.check_level(compressions.Compression(compression), level)
    except ValueError as error:
        raise click.UsageError(f"--compression-level: {error}") from None


def member_of(kind: type[StrEnum], among: Iterable[StrEnum] | None = None) -> dict[str, Any]:
    """Return the settings of an option that takes one of the values of an enumeration, all unless some are given."""
    return {
        "type": click.Choice([member.value for member in among or kind]),
        "convert": lambda name, value: kind(value),
    }
