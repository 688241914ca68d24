"""settle: which package has a path that several bring, and where files go whose folder is a link in another package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from conda_docker.environment.packages.wheels import LockedWheel
from conda_docker.layers.clobbers import Settlement, find_losses, folders_of
from conda_docker.layers.linked_folders import find_moves
from conda_docker.layers.making.contents import find_clobbers
from conda_docker.layers.making.opened import open_member
from conda_docker.layers.making.write import layer_paths
from conda_docker.layers.member import Loss
from conda_docker.link.placement import move
from python_docker.streams.growing import GrowingFile

if TYPE_CHECKING:
    from conda_docker.layers.fetching import Fetch
    from conda_docker.layers.making.opened import Opened
    from conda_docker.layers.member import Member
    from conda_docker.layers.recipe import Recipe


def settle(
    members: Sequence[Member], replaced: Mapping[str, Sequence[str]], recipe: Recipe, fetch: Fetch
) -> Settlement:
    """Return what each of `members`, in order, loses to others: the last wins a path that several bring.

    `replaced` are the distributions of conda packages that wheels replace, by the packages' stems. Reads the metadata
    of all of them. Raises `InvalidPackage` and what `fetch` raises.
    """
    prefix = recipe.prefix_in_image
    paths: dict[str, list[str]] = {}
    packages: dict[str, Opened] = {}
    gone: dict[str, frozenset[str]] = {}
    own = {member.stem: member for member in members}
    for found, place in fetch(members):
        if isinstance(place, GrowingFile):
            continue
        opened = open_member(own[found.stem], place)
        all_paths = layer_paths(recipe, opened)
        gone[found.stem] = opened.replaced_paths(all_paths, replaced.get(found.stem, ()), prefix)
        paths[found.stem] = [path for path in all_paths if path not in gone[found.stem]]
        packages[found.stem] = opened
    # Only where something is a folder in one package and no folder in another can it be a link.
    folders = folders_of(path for own_paths in paths.values() for path in own_paths)
    linked = any(not folders.isdisjoint(own_paths) for own_paths in paths.values())
    links = [packages[stem].links(prefix) if linked else {} for stem in own]
    moves, outside = find_moves([paths[stem] for stem in own], links, prefix.path)
    moved = dict(zip(own, moves, strict=True))
    paths = {stem: [move(path, moved[stem]) for path in paths[stem]] for stem in own}
    # As above: nothing meets a folder that met none before anything was moved.
    met = {path for mine in paths.values() for path in mine} & folders_of(chain(*paths.values())) if linked else set()
    lost = dict(zip(own, find_losses([paths[stem] for stem in own]), strict=True))
    conda = [member.stem for member in members if not isinstance(member, LockedWheel)]
    among_conda = dict(zip(conda, find_losses([paths[stem] for stem in conda]), strict=True))
    pip = [member.stem for member in members if isinstance(member, LockedWheel)]
    # What wheels win of conda packages is counted whatever is in it, as what pip does to an environment.
    clobbers = [
        clobber
        for kind in (conda, pip)
        for clobber in find_clobbers([own[stem] for stem in kind], packages, paths, moved, recipe)
    ]
    return Settlement(
        {stem: Loss(lost[stem] | gone[stem], moved[stem]) for stem in own if lost[stem] or gone[stem] or moved[stem]},
        {stem: number for stem in conda if (number := len(lost[stem] - among_conda[stem])) and stem not in replaced},
        outside,
        sorted(met),
        clobbers,
    )
