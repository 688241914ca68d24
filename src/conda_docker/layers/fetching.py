"""fetching: how the packages and wheels of a build are got, from this machine or from their channels and indexes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from python_docker.progress import SILENT, Progress

if TYPE_CHECKING:
    from conda_docker.build_options import BuildOptions
    from conda_docker.cache.folder import CacheFolder
    from conda_docker.layers.member import Member
    from conda_docker.package.conda_format import PackageFile
    from python_docker.errors import Error
    from python_docker.parallel import Stop

Fetch = Callable[[Sequence["Member"]], Iterable[tuple["Member", "PackageFile"]]]
"""Gives packages with their archives, folders or wheels as they become available, in any order.

One that is being downloaded may be given before it is whole, as a `GrowingFile`, and once more when it is.
"""


def fetching(
    options: BuildOptions,
    cache: CacheFolder,
    *,
    smallest_first: bool = False,
    early: bool = False,
    failed: Callable[[Member, Error], object] | None = None,
    progress: Progress = SILENT,
    stop: Stop | None = None,
) -> Fetch:
    """Return how packages and wheels are got for a build with these options, until `stop` is set.

    `smallest_first` is for layers that leave over a network as they are made: then both ways have something to do soon.
    With `early`, large packages are given while they are downloaded, too.
    `failed` hears of those that cannot be had, in place of an error.
    """
    workers = max(4, options.workers or os.cpu_count() or 1)

    def fetch(members: Sequence[Member]) -> Iterator[tuple[Member, PackageFile]]:
        from conda_docker.environment.packages.wheels import LockedWheel
        from conda_docker.package.fetch.fetch import fetch_early
        from conda_docker.pypi.local_files import with_local_files

        wanted: list[Member] = [member for member in members if not isinstance(member, LockedWheel)]
        wheels = [member for member in members if isinstance(member, LockedWheel)]
        wanted += with_local_files(wheels, unpacked=options.use_extracted or options.offline)
        yield from fetch_early(
            wanted,
            cache.root,
            offline=options.offline,
            extracted=options.use_extracted,
            workers=workers,
            progress=progress,
            smallest_first=smallest_first,
            stop=stop,
            failed=failed,
            early=early,
        )

    return fetch
