"""Arrivals: groups of packages whose archives have all come, the most work first."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from conda_docker.layers.member import has_modules_to_compile
from python_docker.streams.growing import GrowingFile

if TYPE_CHECKING:
    from conda_docker.layers.fetching import Fetch
    from conda_docker.layers.made import Group
    from conda_docker.layers.member import Member
    from conda_docker.package.conda_format import PackageFile

# A package of pure Python takes this many times as long as another of its size: its modules are byte-compiled.
_COMPILING = 8


def complete_groups(groups: Mapping[int, Group], fetch: Fetch) -> Iterator[tuple[int, list[PackageFile]]]:
    """Yield the positions of groups whose packages have all arrived, with where they are.

    A package that can be read while it is downloaded, and has a group to itself, is given before that, too. A package
    may be in several groups, and is fetched once; others of its name may be for another platform.
    """
    wanted: dict[_Archive, Member] = {}
    waiting: dict[_Archive, list[int]] = {}
    for number, group in groups.items():
        for package in group:
            wanted.setdefault(_archive(package), package)
            waiting.setdefault(_archive(package), []).append(number)
    arrived: dict[_Archive, PackageFile] = {}
    for package, path in fetch(list(wanted.values())):
        if isinstance(path, GrowingFile):
            for number in waiting[_archive(package)]:
                if len(groups[number]) == 1:
                    yield number, [path]
            continue
        arrived[_archive(package)] = path
        for number in waiting[_archive(package)]:
            if all(_archive(member) in arrived for member in groups[number]):
                yield number, [arrived[_archive(member)] for member in groups[number]]


_Archive = tuple[str, str | None]


def _archive(package: Member) -> _Archive:
    return package.stem, package.sha256


def work_of(group: Group) -> int:
    """Return how long writing the layer of some packages takes, compared with others; about in bytes of archives."""
    return sum((package.size or 0) * (_COMPILING if has_modules_to_compile(package) else 1) for package in group)


class Arrivals:
    """The groups that can be written, by their numbers, each with where its packages are."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._heap: list[tuple[int, int, Sequence[PackageFile]]] = []

    def put(self, number: int, paths: Sequence[PackageFile], work: int) -> None:
        with self._lock:
            heapq.heappush(self._heap, (-work, number, paths))

    def take(self) -> tuple[int, Sequence[PackageFile]]:
        """Return the group that is the most work of those not taken yet: begun last, it would be awaited alone."""
        with self._lock:
            _, number, paths = heapq.heappop(self._heap)
        return number, paths
