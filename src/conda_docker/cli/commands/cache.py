"""`conda-docker cache`: what builds have made and downloaded, and keep for the next one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conda_docker.arguments.amounts import format_size, to_days, to_seconds, to_size
from conda_docker.cli.options import common as options
from conda_docker.cli.options.arguments import to_repository, to_source
from conda_docker.cli.parameters import Argument, Option
from conda_docker.cli.parser import Group, command
from conda_docker.cli.terminal.output import Output
from conda_docker.cli.terminal.tables import format_table

if TYPE_CHECKING:
    from conda_docker.cache.folder import CacheFolder
    from conda_docker.cache.upkeep import Pruned
    from conda_docker.cli.options.registries import Access
    from conda_docker.layers.stores.repository import RepositoryStore
    from python_docker.spec.platform import Platform
    from python_docker.transports import Location

_DEFAULT_AGE = "30d"


REPOSITORY = Argument(
    "repository",
    metavar="REPO",
    convert=to_repository,
    explanation="A layer repository: a repository of a registry, such as ghcr.io/org/layers.",
)
MAYBE_REPOSITORY = Argument(
    "repository",
    metavar="REPO",
    convert=to_repository,
    required=False,
    explanation="A layer repository in place of the cache, such as ghcr.io/org/layers.",
)
_EXCHANGE = (
    REPOSITORY,
    Option("--image", metavar="SRC", convert=to_source, help="Copy the layers of this image alone."),
    options.PLATFORM,
    options.CACHE_DIR,
    options.ACCESS,
    options.JSON,
)

cache = Group(
    "cache",
    help="""Show, prune or clear the cache of layers, packages and base images, and share its layers.

    It is in the folder that the environment variable CONDA_DOCKER_CACHE names, else where this system keeps caches.
    """,
    epilog="""
    conda-docker cache info
    conda-docker cache prune --max-size 10GB --older-than 30d
    conda-docker cache push ghcr.io/org/layers
    conda-docker cache prune ghcr.io/org/layers --keep 30d
    """,
)


@command(MAYBE_REPOSITORY, options.CACHE_DIR, options.ACCESS, options.JSON, group=cache)
def info(
    output: Output,
    repository: str | None,
    cache_dir: Path | None,
    access: Access,
    json: bool,
) -> None:
    """Show how much the cache, or a layer repository, holds."""
    if repository is not None:
        from conda_docker.cli.commands.layer_repository import show_repository

        show_repository(output, _repository(repository, cache_dir, access), json=json)
        return
    from conda_docker.cache.contents import cache_info

    held = cache_info(_cache(cache_dir, create=False))
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
    MAYBE_REPOSITORY,
    Option(
        "--keep",
        metavar="DAYS",
        convert=to_days,
        help="In a layer repository: keep what builds have used for this long, such as 8w "
        f"({_DEFAULT_AGE} by default); 0d keeps what was used today.",
    ),
    Option(
        "--max-size",
        metavar="SIZE",
        convert=to_size,
        help="Remove what has been unused the longest until the rest fits this size, such as 500MB or 10GB.",
    ),
    Option(
        "--older-than",
        metavar="TIME",
        convert=to_seconds,
        help=f"Remove what has not been used for this long, such as 12h or 30d ({_DEFAULT_AGE} when no size is given).",
    ),
    Option("--dry-run", is_flag=True, help="Only show how much would be removed, and how much would stay."),
    Option("--yes", "-y", is_flag=True, help="Do not ask, even when most of the cache would be removed."),
    options.CACHE_DIR,
    options.ACCESS,
    options.JSON,
    examples="conda-docker cache prune --max-size 10GB",
    group=cache,
)
def prune(
    output: Output,
    repository: str | None,
    keep: float | None,
    max_size: int | None,
    older_than: float | None,
    dry_run: bool,
    yes: bool,
    cache_dir: Path | None,
    access: Access,
    json: bool,
) -> None:
    """Remove what has not been used for some time, or what was used least recently.

    Running builds lose nothing that they need. On a terminal, it asks before it removes more than half of the cache.
    In a layer repository, it removes the entries that no build with --cache-to has used for as long as --keep says;
    the registry frees the space when it collects garbage.
    """
    if repository is not None:
        if max_size is not None or older_than is not None:
            raise click.UsageError("a layer repository is pruned by --keep alone")
        age = to_seconds("--keep", _DEFAULT_AGE) if keep is None else keep
        from conda_docker.cli.commands.layer_repository import prune_entries

        there = _repository(repository, cache_dir, access)
        prune_entries(output, there, age, dry_run=dry_run, json=json)
        return
    if keep is not None:
        raise click.UsageError("--keep is for layer repositories; use --older-than")
    from conda_docker.cache.upkeep import Pruned, prune_cache

    if max_size is None and older_than is None:
        older_than = to_seconds("--older-than", _DEFAULT_AGE)
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
    """Remove everything from the cache.

    While builds run, what was used in the last hour stays.
    """
    from conda_docker.cache.upkeep import clear_cache

    cleared = clear_cache(_cache(cache_dir))
    if json:
        output.json({"bytes_freed": cleared.freed, "bytes_left": cleared.left})
        return
    output.result(f"freed {format_size(cleared.freed)}")
    if cleared.left:
        output.note(f"kept {format_size(cleared.left)} used in the last hour: a build is running; clear again later")


@command(
    *_EXCHANGE,
    examples="conda-docker cache push ghcr.io/org/layers",
    group=cache,
)
def push(output: Output, **given: Any) -> None:
    """Copy the layers of the cache, or those of one image, to a layer repository."""
    _exchange(output, outwards=True, **given)


@command(
    *_EXCHANGE,
    examples="conda-docker cache pull ghcr.io/org/layers --image ghcr.io/org/app:1",
    group=cache,
)
def pull(output: Output, **given: Any) -> None:
    """Copy the layers of a layer repository, or those of one image, into the cache."""
    _exchange(output, outwards=False, **given)


@command(options.CACHE_DIR, group=cache)
def path(output: Output, cache_dir: Path | None) -> None:
    """Print the folder of the cache."""
    output.result(str(_cache(cache_dir, create=False).root))


def _exchange(
    output: Output,
    repository: str,
    image: Location | None,
    *,
    outwards: bool,
    platform: Platform | None,
    cache_dir: Path | None,
    access: Access,
    json: bool,
) -> None:
    from conda_docker.cli.commands.layer_repository import exchange
    from conda_docker.layers.stores.folder import FolderStore

    there = _repository(repository, cache_dir, access)
    digests = None
    if image is not None:
        from python_docker.transports import open_image

        options_ = access.to(image)
        digests = {layer.digest for layer in open_image(image, platform=platform, registry=options_).layers}
    exchange(output, FolderStore(_cache(cache_dir).root), there, digests, outwards=outwards, json=json)


def _repository(name: str, cache_dir: Path | None, access: Access) -> RepositoryStore:
    from conda_docker.arguments.layer_repository import LayerRepository
    from conda_docker.cache.pushed import remembered_places
    from conda_docker.layers.stores.repository import RepositoryStore
    from python_docker.transports import Location

    places = remembered_places(cache_dir)
    options_ = access.to(Location.in_registry(name), places=places)
    return RepositoryStore.open(LayerRepository(name, options_), _cache(cache_dir), must_keep=True)


def _cache(folder: Path | None, *, create: bool = True) -> CacheFolder:
    from conda_docker.cache.folder import CacheFolder
    from conda_docker.cache.location import default_cache_dir

    return CacheFolder(folder or default_cache_dir(create=create))


def _may_remove(output: Output, expected: Pruned) -> bool:
    """Return whether that much may be removed: most of the cache only if whoever sits at the terminal says so."""
    if expected.freed <= expected.left or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    output.note(
        f"This removes {format_size(expected.freed)} of {format_size(expected.freed + expected.left)} in the cache. "
        "Go on? [y/N]"
    )
    return sys.stdin.readline().strip().lower() in ("y", "yes")
