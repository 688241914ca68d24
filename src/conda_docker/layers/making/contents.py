"""Files that several packages bring with different contents: one of them gets another file than it came with."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import TYPE_CHECKING

from conda_docker.layers.clobbers import Clobber
from conda_docker.layers.member import Loss
from conda_docker.package.archive import UnsurveyedPackage
from python_docker.tar import EntryType

if TYPE_CHECKING:
    from conda_docker.layers.linked_folders import Moves
    from conda_docker.layers.making.opened import Opened
    from conda_docker.layers.member import Member
    from conda_docker.layers.recipe import Recipe

_READ_SIZE = 1 << 20


def find_clobbers(
    members: Sequence[Member],
    packages: Mapping[str, Opened],
    paths: Mapping[str, Sequence[str]],
    moved: Mapping[str, Moves],
    recipe: Recipe,
) -> list[Clobber]:
    """Return the files of each of `members`, in order, that a later one has with other contents: the last one's counts.

    `packages`, their `paths` and the folders of theirs that are `moved` are by stem. Compiled modules do not count:
    their sources do. What manifests state is believed; a package is read where a contested file of it is a link, or is
    changed when it is linked. Raises `InvalidPackage`.
    """
    names = {member.stem: member.name for member in members}
    contested = dict(_contested([member.stem for member in members], paths))
    wanted: dict[str, set[str]] = {}
    for path, owners in contested.items():
        for stem in owners:
            wanted.setdefault(stem, set()).add(path)
    digests = {stem: _digests(packages[stem], own, moved[stem], recipe) for stem, own in wanted.items()}
    found: dict[tuple[str, str], list[str]] = {}
    for path, (*losers, winner) in contested.items():
        for loser in losers:
            if digests[loser].get(path) != digests[winner].get(path):
                found.setdefault((winner, loser), []).append(path)
    return [Clobber(names[winner], names[loser], len(own), own[0]) for (winner, loser), own in found.items()]


def _contested(stems: Sequence[str], paths: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, list[str]]]:
    """Yield, in order, each path that several packages bring, with their stems in the packages' order."""
    owners: dict[str, list[str]] = {}
    for stem in stems:
        for path in paths[stem]:
            owners.setdefault(path, []).append(stem)
    for path, own in sorted(owners.items()):
        if len(own) > 1 and "/__pycache__/" not in f"/{path}":
            yield path, own


def _digests(package: Opened, wanted: Set[str], moved: Moves, recipe: Recipe) -> Mapping[str, str]:
    """Return what shows the contents of the `wanted` files of a package, by path."""
    stated = package.digests(recipe.prefix_in_image, moved)
    if stated.keys() >= wanted:
        return stated
    try:
        return _digests_of_linked(package, moved, recipe)
    except UnsurveyedPackage as error:
        error.package.survey()
        return _digests_of_linked(package, moved, recipe)


def _digests_of_linked(package: Opened, moved: Moves, recipe: Recipe) -> Mapping[str, str]:
    prefix = recipe.prefix_in_image
    found: dict[str, str] = {}
    for entry, content in package.link(prefix, filter=recipe.filter, compiler=None, loss=Loss(moved=moved)):
        path = entry.path.removeprefix(f"{prefix.root}/")
        if entry.type is EntryType.SYMLINK:
            found[path] = f"-> {entry.link_target}"
        elif entry.type is EntryType.HARDLINK:
            found[path] = found[entry.link_target.removeprefix(f"{prefix.root}/")]
        else:
            stream = io.BytesIO(content) if isinstance(content, bytes) else content
            digest = hashlib.sha256()
            while chunk := stream.read(_READ_SIZE):
                digest.update(chunk)
            found[path] = digest.hexdigest()
    return found
