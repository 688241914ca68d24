"""`conda-docker cache`: the layers that builds have made, and packages that they have downloaded."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from conda_docker.cli.options import common as options
from conda_docker.cli.parsing import Command, Group
from conda_docker.cli.terminal.output import Output
from conda_docker.cli.terminal.report import format_size, format_table

if TYPE_CHECKING:
    from conda_docker.layers.cache import LayerCache

app = typer.Typer(
    cls=Group,
    add_completion=False,
    rich_markup_mode=None,
    help="""Show, prune or clear the cache of layers.

    Its folder is what the environment variable CONDA_DOCKER_CACHE says, or else the place for caches of this system.
    """,
    epilog="""
    conda-docker cache info
    conda-docker cache prune --max-size 10GB --older-than 30d
    """,
)

CacheDir = Annotated[
    Path | None,
    typer.Option(
        "--cache-dir", metavar="DIR", help="The folder of the cache.", envvar="CONDA_DOCKER_CACHE", show_envvar=False
    ),
]

_SIZE_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY_UNITS = {"k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_SECONDS = {"h": 3600, "d": 86400, "w": 7 * 86400}
_DEFAULT_AGE = "30d"


@app.callback()
def cache() -> None:
    """Take the options of all commands below."""


@app.command(cls=Command)
def info(ctx: typer.Context, cache_dir: CacheDir = None, json: options.Json = False) -> None:
    """Show how much the cache holds."""
    output: Output = ctx.obj
    held = _cache(cache_dir).info()
    if json:
        output.json(
            {
                "path": str(held.root),
                "layers": held.layers,
                "size": held.size,
                "packages": held.packages,
                "packages_size": held.packages_size,
            }
        )
        return
    rows = [
        ("Folder", str(held.root)),
        ("Layers", f"{held.layers}, {format_size(held.size)}"),
        ("Packages", f"{held.packages}, {format_size(held.packages_size)}"),
    ]
    output.result(format_table(rows))


@app.command(cls=Command, epilog="conda-docker cache prune --max-size 10GB")
def prune(
    ctx: typer.Context,
    max_size: Annotated[
        str | None,
        typer.Option(
            "--max-size", metavar="SIZE", help="Remove what was not used for longest, until this size is reached."
        ),
    ] = None,
    older_than: Annotated[
        str | None,
        typer.Option(
            "--older-than",
            metavar="TIME",
            help=f"Remove what was not used for this time, such as 12h or 30d ({_DEFAULT_AGE} when no size is given).",
        ),
    ] = None,
    cache_dir: CacheDir = None,
    json: options.Json = False,
) -> None:
    """Remove what was not used for some time, or for longest. A build under way loses nothing that it needs."""
    if max_size is None and older_than is None:
        older_than = _DEFAULT_AGE
    freed = _cache(cache_dir).prune(
        max_bytes=None if max_size is None else parse_size(max_size),
        max_age=None if older_than is None else parse_age(older_than),
    )
    _tell_freed(ctx.obj, freed, json=json)


@app.command(cls=Command)
def clear(ctx: typer.Context, cache_dir: CacheDir = None, json: options.Json = False) -> None:
    """Remove everything from the cache."""
    _tell_freed(ctx.obj, _cache(cache_dir).clear(), json=json)


@app.command(cls=Command)
def path(ctx: typer.Context, cache_dir: CacheDir = None) -> None:
    """Print the folder of the cache."""
    output: Output = ctx.obj
    output.result(str(_cache(cache_dir).root))


def parse_size(text: str) -> int:
    """A number of bytes: `500MB`, `2GiB`, `1048576`. Raises a usage error.

    >>> parse_size("1.5kB"), parse_size("2 KiB")
    (1500, 2048)
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(?:([kmgt]?)b?|([kmgt])ib)", text.strip().lower())
    if match is None:
        raise typer.BadParameter(f"not a size: {text!r} (a size looks like 500MB or 10GB)", param_hint="--max-size")
    unit = _BINARY_UNITS[match[3]] if match[3] else _SIZE_UNITS[match[2] or ""]
    return int(float(match[1]) * unit)


def parse_age(text: str) -> float:
    """A time in seconds: `12h`, `30d`, `8w`. Raises a usage error.

    >>> parse_age("2d")
    172800.0
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([hdw])", text.strip().lower())
    if match is None:
        raise typer.BadParameter(f"not a time: {text!r} (a time looks like 12h, 30d or 8w)", param_hint="--older-than")
    return float(match[1]) * _SECONDS[match[2]]


def _cache(folder: Path | None) -> LayerCache:
    from conda_docker.layers.cache import LayerCache, default_cache_dir

    return LayerCache(folder or default_cache_dir())


def _tell_freed(output: Output, freed: int, *, json: bool) -> None:
    if json:
        output.json({"bytes_freed": freed})
    else:
        output.result(f"freed {format_size(freed)}")
