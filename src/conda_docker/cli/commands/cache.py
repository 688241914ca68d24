"""`conda-docker cache`: what builds have made and downloaded, and keep for the next one."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.cli.options import common as options
from conda_docker.cli.parameters import Option
from conda_docker.cli.parser import Group, command
from conda_docker.cli.terminal.output import Output
from conda_docker.cli.terminal.report import format_size, format_table

if TYPE_CHECKING:
    from conda_docker.cache.folder import CacheFolder
    from conda_docker.cache.upkeep import Pruned

_SIZE_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY_UNITS = {"k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_SECONDS = {"h": 3600, "d": 86400, "w": 7 * 86400}
_DEFAULT_AGE = "30d"


def to_size(name: str, text: str) -> int:
    """Return the number of bytes that `500MB` or `2GiB` means; a number without a unit is refused.

    >>> to_size("--max-size", "1.5kB"), to_size("--max-size", "2 KiB")
    (1500, 2048)
    """
    given = text.strip()
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(?:([kmgt]?)b|([kmgt])ib|([kmgt]))", given.lower())
    if match is None and re.fullmatch(r"\d+(?:\.\d+)?", given):
        if float(given) == 0:
            return 0
        raise ValueError(f"{name}: {given} has no unit; write {given}GB or {given}MB")
    if match is None:
        raise ValueError(f"{name}: {text!r} is not a valid size; sizes look like 500MB or 10GB")
    unit = _BINARY_UNITS[match[3]] if match[3] else _SIZE_UNITS[match[2] or match[4] or ""]
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


cache = Group(
    "cache",
    help="""Show, prune or clear the cache of layers, packages and base images.

    It is in the folder that the environment variable CONDA_DOCKER_CACHE names, else where this system keeps caches.
    """,
    epilog="""
    conda-docker cache info
    conda-docker cache prune --max-size 10GB --older-than 30d
    """,
)


@command(options.CACHE_DIR, options.JSON, group=cache)
def info(output: Output, cache_dir: Path | None, json: bool) -> None:
    """Show how much the cache holds."""
    from conda_docker.cache.upkeep import cache_info

    held = cache_info(_cache(cache_dir))
    if json:
        output.json({"path": str(held.root)} | {name: getattr(held, name) for name in held.__slots__ if name != "root"})
        return
    rows = [
        ("Folder", str(held.root)),
        ("Layers", f"{held.layers}, {format_size(held.layers_size)}"),
        ("Packages", f"{held.packages}, {format_size(held.packages_size)}"),
        ("Base images", f"{held.bases}, {format_size(held.bases_size)}"),
        ("Interpreters", f"{held.interpreters}, {format_size(held.interpreters_size)}"),
        ("Built wheels", f"{held.wheels}, {format_size(held.wheels_size)}"),
        ("All files", format_size(held.size)),
    ]
    output.result(format_table(rows))


@command(
    Option(
        "--max-size",
        metavar="SIZE",
        convert=to_size,
        help="Remove what was unused for longest, until the rest has this size, such as 500MB or 10GB.",
    ),
    Option(
        "--older-than",
        metavar="TIME",
        convert=to_age,
        help=f"Remove what was unused for this time, such as 12h or 30d ({_DEFAULT_AGE} when no size is given).",
    ),
    Option("--dry-run", is_flag=True, help="Only show how much would be removed, and how much would stay."),
    Option("--yes", "-y", is_flag=True, help="Do not ask, even when most of the cache would be removed."),
    options.CACHE_DIR,
    options.JSON,
    examples="conda-docker cache prune --max-size 10GB",
    group=cache,
)
def prune(
    output: Output,
    max_size: int | None,
    older_than: float | None,
    dry_run: bool,
    yes: bool,
    cache_dir: Path | None,
    json: bool,
) -> None:
    """Remove what was unused for some time, or for longest. A build under way loses nothing that it needs.

    On a terminal, it asks before it removes more than half of the cache.
    """
    from conda_docker.cache.upkeep import Pruned, prune_cache

    if max_size is None and older_than is None:
        older_than = to_age("--older-than", _DEFAULT_AGE)
    held = _cache(cache_dir)
    pruned = prune_cache(held, max_bytes=max_size, max_age=older_than, dry_run=True)
    if not dry_run:
        if yes or _may_remove(output, pruned):
            pruned = prune_cache(held, max_bytes=max_size, max_age=older_than)
        else:
            pruned = Pruned(0, pruned.freed + pruned.left)
    if json:
        output.json({"bytes_freed": pruned.freed, "bytes_left": pruned.left})
    else:
        verb = "would free" if dry_run else "freed"
        output.result(f"{verb} {format_size(pruned.freed)}, {format_size(pruned.left)} left")


@command(options.CACHE_DIR, options.JSON, group=cache)
def clear(output: Output, cache_dir: Path | None, json: bool) -> None:
    """Remove everything from the cache."""
    from conda_docker.cache.upkeep import clear_cache

    freed = clear_cache(_cache(cache_dir))
    if json:
        output.json({"bytes_freed": freed})
    else:
        output.result(f"freed {format_size(freed)}")


@command(options.CACHE_DIR, group=cache)
def path(output: Output, cache_dir: Path | None) -> None:
    """Print the folder of the cache."""
    output.result(str(_cache(cache_dir).root))


def _cache(folder: Path | None) -> CacheFolder:
    from conda_docker.cache.folder import CacheFolder
    from conda_docker.cache.location import default_cache_dir

    return CacheFolder(folder or default_cache_dir())


def _may_remove(output: Output, expected: Pruned) -> bool:
    """Return whether that much may be removed: most of the cache only if whoever sits at the terminal says so."""
    if expected.freed <= expected.left or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    output.note(
        f"This removes {format_size(expected.freed)} of {format_size(expected.freed + expected.left)} in the cache. "
        "Go on? [y/N]"
    )
    return sys.stdin.readline().strip().lower() in ("y", "yes")
