"""preview: what a bake would do, with nothing made: what images have in common, what is known, what is downloaded."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conda_docker.baking.layers.archives import Archive, distinct_members, missing_archives
from conda_docker.baking.layers.making import Compilers, Workshop
from conda_docker.baking.layers.works import LayerWork, largest_first
from conda_docker.baking.limits import Limits
from conda_docker.baking.planned import Planned, by_machine
from conda_docker.baking.result import TargetResult
from conda_docker.baking.running import Bake
from conda_docker.baking.targets.target import Target
from python_docker.parallel import Stop
from python_docker.progress import SILENT, Progress

if TYPE_CHECKING:
    from conda_docker.layers.member import Member


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetPreview:
    """An image of a bake: its layers of packages, how many of them are known, and how many no other image has."""

    name: str
    image: str
    source: str
    platforms: int
    layers: int
    known: int
    own: int
    own_bytes: int
    """The archives of the packages that no other image has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedPackage:
    """A package, the size of its archive in bytes, and in how many images it is."""

    name: str
    version: str
    size: int
    images: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BakePreview:
    """What a bake would do. Sizes are in bytes, of archives as channels have them.

    `packages` are distinct ones, of `size` together; one by one the images would take `size_apart`. Of the distinct
    `layers` some are `known`; the others are made of `made_from` bytes, of which `download` are not on this machine.
    """

    targets: tuple[TargetPreview, ...]
    failed: tuple[TargetResult, ...]
    packages: int
    size: int
    size_apart: int
    layers: int
    known: int
    made_from: int
    download: int
    downloads: int
    shared: tuple[SharedPackage, ...]


def preview(
    targets: Iterable[Target], *, jobs: int | None = None, memory: int | None = None, progress: Progress = SILENT
) -> BakePreview:
    """Return what baking some targets would do. Channels are asked, and no package is downloaded.

    print(preview(find_targets("envs", base="scratch")).download)
    """
    targets = list(targets)
    ended: list[TargetResult] = []
    limits = Limits(jobs or os.cpu_count() or 1, memory)
    with Bake(targets, limits, progress=progress, done=ended.append) as running:
        planned = running.plan(download=False)
        missing: list[LayerWork] = []
        known: set[str] = set()
        downloads: dict[Archive, Member] = {}
        for options, group in by_machine(planned):
            with Compilers() as compilers:
                shop = Workshop.open(options, compilers, workers=1, stop=Stop())
                for each in group:
                    shop.expect(each.works)
                for work in largest_first(work for each in group for work in each.works):
                    if shop.has(work):
                        known.add(work.key)
                    else:
                        missing.append(work)
                downloads |= missing_archives(missing, shop)
    holders = Counter(key for each in planned for key in {work.key for work in each.works})
    works = largest_first(work for each in planned for work in each.works)
    members = distinct_members(works)
    return BakePreview(
        targets=tuple(_target(each, known, holders) for each in planned),
        failed=tuple(each for each in ended if each.error is not None),
        packages=len(members),
        size=sum(member.size or 0 for member in members.values()),
        size_apart=sum(work.size for each in planned for work in each.works),
        layers=len(works),
        known=len(known),
        made_from=sum(member.size or 0 for member in distinct_members(missing).values()),
        download=sum(member.size or 0 for member in downloads.values()),
        downloads=len(downloads),
        shared=_shared(works, holders),
    )


_MOST_SHARED = 10


def _target(each: Planned, known: set[str], holders: Counter[str]) -> TargetPreview:
    own = [work for work in each.works if holders[work.key] == 1]
    return TargetPreview(
        name=each.target.name,
        image=each.target.reference.familiar,
        source=each.target.source,
        platforms=len(each.resolved),
        layers=len(each.works),
        known=sum(work.key in known for work in each.works),
        own=len(own),
        own_bytes=sum(work.size for work in own),
    )


def _shared(works: Sequence[LayerWork], holders: Counter[str]) -> tuple[SharedPackage, ...]:
    """Return the packages that are shared most, by the bytes that sharing them saves."""
    single = [work for work in works if len(work.members) == 1 and holders[work.key] > 1]
    ordered = sorted(single, key=lambda work: (-work.size * (holders[work.key] - 1), work.key))
    return tuple(
        SharedPackage(
            name=work.members[0].name,
            version=work.members[0].version,
            size=work.size,
            images=holders[work.key],
        )
        for work in ordered[:_MOST_SHARED]
    )
