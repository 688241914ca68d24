"""`conda-docker cache`: the layers that builds have made, and packages that they have downloaded."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conda_docker.cli.options import common as options
from conda_docker.cli.parser import Group, Option, command
from conda_docker.cli.terminal.output import Output
from conda_docker.cli.terminal.report import format_size, format_table

if TYPE_CHECKING:
    from conda_docker.layers.cache import LayerCache

_SIZE_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY_UNITS = {"k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_SECONDS = {"h": 3600, "d": 86400, "w": 7 * 86400}
_DEFAULT_AGE = "30d"


def to_size(name: str, text: str) -> int:
    """Return a number of bytes: `500MB`, `2GiB`, `1048576`.

    >>> to_size("--max-size", "1.5kB"), to_size("--max-size", "2 KiB")
    (1500, 2048)
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(?:([kmgt]?)b?|([kmgt])ib)", text.strip().lower())
    if match is None:
        raise ValueError(f"{name}: {text!r} is not a valid size; sizes look like 500MB or 10GB")
    unit = _BINARY_UNITS[match[3]] if match[3] else _SIZE_UNITS[match[2] or ""]
    return int(float(match[1]) * unit)


def to_age(name: str, text: str) -> float:
    """Return a time in seconds: `12h`, `30d`, `8w`.

    >>> to_age("--older-than", "2d")
    172800.0
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([hdw])", text.strip().lower())
    if match is None:
        raise ValueError(f"{name}: {text!r} is not a valid time; times look like 12h, 30d or 8w")
    return float(match[1]) * _SECONDS[match[2]]


CACHE_DIR = Option(
    "--cache-dir",
    metavar="DIR",
    type=click.Path(path_type=Path),
    envvar="CONDA_DOCKER_CACHE",
    help="The folder of the cache.",
)

cache = Group(
    "cache",
    help="""Show, prune or clear the cache of layers.

    Its folder is what the environment variable CONDA_DOCKER_CACHE says, or else the place for caches of this system.
    """,
    epilog="""
    conda-docker cache info
    conda-docker cache prune --max-size 10GB --older-than 30d
    """,
)


@command(CACHE_DIR, options.JSON, group=cache)
def info(output: Output, cache_dir: Path | None, json: bool) -> None:
    """Show how much the cache holds."""
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


@command(
    Option(
        "--max-size",
        metavar="SIZE",
        convert=to_size,
        help="Remove what was unused for longest, until this size is reached.",
    ),
    Option(
        "--older-than",
        metavar="TIME",
        convert=to_age,
        help=f"Remove what was unused for this time, such as 12h or 30d ({_DEFAULT_AGE} when no size is given).",
    ),
    CACHE_DIR,
    options.JSON,
    examples="conda-docker cache prune --max-size 10GB",
    group=cache,
)
def prune(output: Output, max_size: int | None, older_than: float | None, cache_dir: Path | None, json: bool) -> None:
    """Remove what was unused for some time, or for longest. A build under way loses nothing that it needs."""
    if max_size is None and older_than is None:
        older_than = to_age("--older-than", _DEFAULT_AGE)
    _report_freed(output, _cache(cache_dir).prune(max_bytes=max_size, max_age=older_than), json=json)


@command(CACHE_DIR, options.JSON, group=cache)
def clear(output: Output, cache_dir: Path | None, json: bool) -> None:
    """Remove everything from the cache."""
    _report_freed(output, _cache(cache_dir).clear(), json=json)


@command(CACHE_DIR, group=cache)
def path(output: Output, cache_dir: Path | None) -> None:
    """Print the folder of the cache."""
    output.result(str(_cache(cache_dir).root))


def _cache(folder: Path | None) -> LayerCache:
    from conda_docker.layers.cache import LayerCache, default_cache_dir

    return LayerCache(folder or default_cache_dir())


def _report_freed(output: Output, freed: int, *, json: bool) -> None:
    if json:
        output.json({"bytes_freed": freed})
    else:
        output.result(f"freed {format_size(freed)}")
