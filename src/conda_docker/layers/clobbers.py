"""Paths that several packages bring: the last in topological order wins, and the others are linked without them.

So no two layers of an environment have a path in common. It does not matter how they are stacked, and nothing of a
package that lost a module stays behind, such as its compiled form, which Python would run in the winner's place.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from conda_docker.cache.folder import NoteKind
from conda_docker.layers.member import Loss, Losses

if TYPE_CHECKING:
    from conda_docker.cache.folder import CacheFolder
    from conda_docker.layers.stores import LayerStore


_NONE: Mapping[str, int] = {}


class Clobber(NamedTuple):
    """The `number` of files of the package `loser` that the package `winner` has with other contents, and one of them.

    Both are names of packages; `example` is relative to the prefix.
    """

    winner: str
    loser: str
    number: int
    example: str


class Settlement(NamedTuple):
    """Who loses what to whom: `losses`, and how many files of a conda package wheels overwrite, by its stem.

    Files that a wheel replaces, as pip would remove them first, are not overwritten. `outside` are folders of packages
    that another package has as links out of the environment; `met` are files of packages that others have as folders.
    `clobbers` are files whose contents differ, of two conda packages or of two wheels.
    """

    losses: Losses
    overwritten: Mapping[str, int] = _NONE
    outside: Sequence[str] = ()
    met: Sequence[str] = ()
    clobbers: Sequence[Clobber] = ()

    def to_json(self) -> str:
        """Return the text that `from_json` reads."""
        losses = {stem: [sorted(loss.without), dict(loss.moved)] for stem, loss in self.losses.items()}
        value = {
            "losses": losses,
            "overwritten": dict(self.overwritten),
            "outside": list(self.outside),
            "met": list(self.met),
            "clobbers": list(self.clobbers),
        }
        return json.dumps(value, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Settlement | None:
        """Return what `to_json` wrote, None for any other text."""
        try:
            value = json.loads(text)
            losses = {
                str(stem): Loss(frozenset(map(str, without)), {str(a): str(b) for a, b in moved.items()})
                for stem, (without, moved) in value["losses"].items()
            }
            overwritten = {str(stem): int(number) for stem, number in value["overwritten"].items()}
            outside, met = (tuple(map(str, value[name])) for name in ("outside", "met"))
            # Earlier versions did not look for them.
            clobbers = tuple(
                Clobber(str(winner), str(loser), int(number), str(example))
                for winner, loser, number, example in value.get("clobbers", ())
            )
            return cls(losses, overwritten, outside, met, clobbers)
        except (ValueError, TypeError, AttributeError, KeyError):
            return None


def find_losses(paths: Sequence[Sequence[str]]) -> list[frozenset[str]]:
    """For the paths of each package, in topological order, those that a later package wins.

    It wins the same path, a folder where it has a file, and a file where it has a folder.

    >>> [sorted(lost) for lost in find_losses([["a", "b/c", "d"], ["a", "b"], ["d/e"]])]
    [['a', 'b/c', 'd'], [], []]
    """
    files: set[str] = set()
    folders: set[str] = set()
    losses: list[frozenset[str]] = []
    for package in reversed(paths):
        mine = set(package)
        my_folders = folders_of(mine)
        lost = mine & (files | folders)
        if hidden := my_folders & files:
            lost |= {path for path in mine if not hidden.isdisjoint(folders_of([path]))}
        losses.append(frozenset(lost))
        files |= mine
        folders |= my_folders
    return losses[::-1]


def folders_of(paths: Iterable[str]) -> set[str]:
    """Return every folder that one of `paths` lies in."""
    found: set[str] = set()
    for folder in {path.rpartition("/")[0] for path in paths}:
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]  # noqa: PLW2901
    return found


def remembered_settlement(cache: CacheFolder, key: str | None, stores: Iterable[LayerStore] = ()) -> Settlement | None:
    """Return what was found before for the packages of `key`, here or where `stores` are kept, so that they need not be
    read again.
    """
    if key is None:
        return None
    note = cache.read_note(NoteKind.CLOBBERS, key)
    for text in (None if note is None else note.decode("utf-8", "replace"), *(store.note(key) for store in stores)):
        found = None if text is None else Settlement.from_json(text)
        if found is not None:
            return found
    return None


def remember_settlement(cache: CacheFolder, key: str | None, settlement: Settlement) -> None:
    """Keep it for `remembered_settlement`; a cache that cannot be written costs time the next time, nothing else."""
    if key is not None:
        cache.remember(NoteKind.CLOBBERS, key, settlement.to_json().encode())
