"""Space: what a bake may add to the cache, and which layers it makes next so that this suffices.

    awaited layers ──next_works──> those of as many images as fit ──make──> images ──clear──> what none needs goes

What was in the cache before is left alone. Layers for registries have left when a round is over, and need not stay; for
other places, those that must go are made once more when their images' turn comes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.arguments.amounts import format_size
from conda_docker.baking.layers.archives import Archive, archive_of, missing_archives
from conda_docker.baking.layers.works import largest_first
from conda_docker.errors import CacheError
from conda_docker.package.fetch.find import download_path
from python_docker.streams.compression import Compression

if TYPE_CHECKING:
    from conda_docker.baking.layers.making import MadeWork, Workshop
    from conda_docker.baking.layers.works import LayerWork
    from conda_docker.baking.planned import Planned

_GROWTH = {Compression.GZIP: 1.5, Compression.ZSTD: 1.25, Compression.NONE: 5.0}
"""How many times as large as its packages' archives a layer may be expected to be, until it is made."""


class Space:
    """The disk that some targets, which use one cache, may have; `limit` is in bytes."""

    def __init__(self, limit: int, shop: Workshop, group: Sequence[Planned]) -> None:
        self._limit = limit
        self._blobs = shop.stores.local.blobs
        self._works = {work.key: work for each in group for work in each.works}
        self._made: dict[str, tuple[Path, int]] = {}
        missing = [work for work in self._works.values() if not shop.has(work)]
        archives = missing_archives(missing, shop)
        self._downloads = {archive: member.size or 0 for archive, member in archives.items()}
        self._files: dict[Archive, tuple[Path, int | None]] = {
            archive: (download_path(member, shop.stores.cache.root), None) for archive, member in archives.items()
        }
        self._layers = {work.key: int(work.size * _GROWTH[work.recipe.compression]) for work in missing}

    def refusal(self, each: Planned) -> CacheError | None:
        """Return the error of a target that cannot be built in this space, however little else is done."""
        missing = [work for work in each.works if work.key in self._layers]
        if not missing:
            return None
        if each.streams:
            needed = max(map(self._weight, missing))
            what, advice = "the largest layer of this image takes", "allow more"
        else:
            needed = sum(self._layers[work.key] for work in missing) + max(map(self._download, missing))
            what = "the layers of the image take"
            advice = "allow more, or push it to a registry: then they need not all be here at once"
        if needed <= self._limit:
            return None
        return CacheError(
            f"--disk allows {format_size(self._limit)}, and {what} about {format_size(needed)} to make; {advice}"
        )

    def exceeded(self, each: Planned) -> CacheError:
        """Return the error of a target whose layers have turned out to be larger than was expected."""
        return CacheError(
            f"--disk allows {format_size(self._limit)}, and the layers of the image take more than that: they are "
            f"{format_size(sum(self._layers.get(work.key, 0) for work in each.works))}; allow more"
        )

    def next_works(self, left: Sequence[Planned]) -> list[LayerWork] | Planned:
        """Return the layers to make next: all that as many of the targets that are left await as there is room for.

        Where there is not even room for those of one, it is as many of its layers as there is room for; that target
        itself is returned where there is room for none.
        """
        waiting = sorted((each for each in left if each.awaited), key=lambda each: self._cost(each.awaited))
        chosen = self._chosen(waiting)
        if not chosen and waiting:
            first = waiting[0]
            self._evict(() if first.streams else {work.key for work in first.works}, left)
            chosen = self._chosen([first]) or self._part_of(first)
            if not chosen:
                return first
        return largest_first(self._works[key] for key in chosen)

    def arrived(self, made: MadeWork) -> None:
        """Note a layer that is on the disk now, and archives that were downloaded for it."""
        if made.layer is None or made.known:
            return
        path = self._blobs.path_of(made.layer.digest)
        self._made[made.work.key] = path, made.layer.size
        self._layers[made.work.key] = made.layer.size
        for member in made.work.members:
            archive = archive_of(member)
            if archive in self._files:
                file = self._files[archive][0]
                self._files[archive] = file, _used(file)

    def clear(self, left: Sequence[Planned]) -> None:
        """Remove the archives that were downloaded, and the layers that no target of those that are left needs."""
        for archive, (file, used) in self._files.items():
            # Another build that has found it there since has noted so.
            if used is None or used == _used(file):
                _remove(file)
            self._files[archive] = file, None
        needed = {work.key for each in left if not each.streams for work in each.works}
        needed |= {key for each in left for key in each.awaited}
        for key in self._made.keys() - needed:
            self._drop(key)

    def _chosen(self, waiting: Iterable[Planned]) -> set[str]:
        room = self._room()
        chosen: set[str] = set()
        for each in waiting:
            more = each.awaited - chosen
            cost = self._cost(more)
            if cost <= room:
                chosen |= more
                room -= cost
        return chosen

    def _part_of(self, each: Planned) -> set[str]:
        room = self._room()
        chosen = set()
        for work in largest_first(work for work in each.works if work.key in each.awaited):
            cost = self._weight(work)
            if cost <= room:
                chosen.add(work.key)
                room -= cost
        return chosen

    def _evict(self, kept: Collection[str], left: Sequence[Planned]) -> None:
        """Remove all layers that were made but those `kept`; targets that need them await them again."""
        for key in self._made.keys() - set(kept):
            self._drop(key)
            for each in left:
                if not each.streams and any(work.key == key for work in each.works):
                    each.awaited.add(key)

    def _drop(self, key: str) -> None:
        path, _ = self._made.pop(key)
        _remove(path)

    def _room(self) -> int:
        return self._limit - sum(size for _, size in self._made.values())

    def _cost(self, keys: Collection[str]) -> int:
        return sum(self._weight(self._works[key]) for key in keys)

    def _weight(self, work: LayerWork) -> int:
        """Return how many bytes making a layer takes; nothing for one that is known."""
        return 0 if work.key not in self._layers else self._layers[work.key] + self._download(work)

    def _download(self, work: LayerWork) -> int:
        return sum(self._downloads.get(archive_of(member), 0) for member in work.members)


def _used(path: Path) -> int | None:
    """Return when a file was last noted to be in use; None where there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
