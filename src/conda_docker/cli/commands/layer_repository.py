"""What `conda-docker cache` does with layer repositories."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from typing import TYPE_CHECKING

from conda_docker.arguments.amounts import format_size
from conda_docker.cli.terminal.display import open_display
from conda_docker.cli.terminal.tables import count, format_table
from conda_docker.layers.stores.exchange import exchange_layers
from conda_docker.layers.stores.repository_upkeep import prune_repository, repository_info
from python_docker.errors import NotFound

if TYPE_CHECKING:
    from conda_docker.cli.terminal.output import Output
    from conda_docker.layers.stores.folder import FolderStore
    from conda_docker.layers.stores.repository import RepositoryStore
    from python_docker.spec.digest import Digest


def show_repository(output: Output, repository: RepositoryStore, *, json: bool) -> None:
    """Show how much a layer repository holds."""
    with open_display(output) as progress, progress.phase(f"read {repository.name}"):
        held = repository_info(repository)
    if json:
        output.json({"repository": repository.name} | asdict(held))
        return
    rows = [
        ("Repository", repository.name),
        ("Layers", f"{held.layers}, {format_size(held.layers_size)}"),
        ("Environments", str(held.environments)),
    ]
    output.result(format_table(rows))


def prune_entries(output: Output, repository: RepositoryStore, keep: float, *, dry_run: bool, json: bool) -> None:
    """Remove the entries that were not used for `keep` seconds."""
    with open_display(output) as progress, progress.phase(f"prune {repository.name}"):
        pruned = prune_repository(repository, keep, dry_run=dry_run)
    if json:
        output.json({"repository": repository.name} | asdict(pruned))
        return
    verb = "would remove" if dry_run else "removed"
    number = f"{pruned.removed} {'entry' if pruned.removed == 1 else 'entries'}"
    output.result(
        f"{verb} {number} and {format_size(pruned.freed)} of layers that no other entry names; {pruned.left} left"
    )


def exchange(
    output: Output,
    cache: FolderStore,
    repository: RepositoryStore,
    digests: Collection[Digest] | None,
    *,
    outwards: bool,
    json: bool,
) -> None:
    """Copy layers, all or those of `digests`, from the cache to a repository, or the other way.

    Raises `NotFound` when none of `digests` is there.
    """
    source, target = (cache, repository) if outwards else (repository, cache)
    with open_display(output) as progress:
        done = exchange_layers(source, target, cache.folder, digests, progress=progress)
    origin = str(cache.root) if outwards else repository.name
    if digests and done.missing == len(digests):
        raise NotFound(
            f"none of the {count(done.missing, 'layer')} of the image is in {origin}: it has the layers of packages "
            f"that were built {'with this cache' if outwards else 'with --cache-to or pushed there'}"
        )
    if json:
        output.json({"repository": repository.name} | asdict(done))
        return
    there = f"; {count(done.present, 'layer')} there already" if done.present else ""
    where = repository.name if outwards else str(cache.root)
    output.result(f"copied {count(done.copied, 'layer')}, {format_size(done.copied_size)}, to {where}{there}")
    if done.missing:
        output.note(
            f"{count(done.missing, 'layer')} of the image {'is' if done.missing == 1 else 'are'} not in {origin}: "
            "the base's layers and the environment's own layer are never kept there"
        )
