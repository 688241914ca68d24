"""Where the packages of an image would come from, if it were built."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.environment.packages.wheels import LockedWheel

if TYPE_CHECKING:
    from conda_docker.build_options import BuildOptions
    from conda_docker.layers.made import MadeLayer
    from conda_docker.layers.member import Member


class Place(StrEnum):
    """Where a package would come from."""

    LAYER = "layer"
    """From nowhere: its layer is known."""
    ARCHIVE = "archive"
    """From its archive, or its wheel, on this machine."""
    FOLDER = "folder"
    """From a folder that another client has extracted it to."""
    DOWNLOAD = "download"


@dataclass(frozen=True, slots=True)
class PackagePreview:
    """A package, where it would come from, and the path there on this machine, if it is on it."""

    member: Member
    place: Place
    path: Path | None = None


def package_places(
    groups: Sequence[tuple[Sequence[Member], MadeLayer | None]], options: BuildOptions, cache_dir: Path
) -> Iterator[PackagePreview]:
    """Yield each package with where it would come from, as `fetch_packages` finds it.

    `groups` are the packages of each layer, with the layer where it is known. Raises `DownloadError` for packages that
    are missing, with `offline`, and for local ones.
    """
    from conda_docker.package.fetch.find import find_packages
    from conda_docker.package.fetch.missing import check_found, check_local
    from conda_docker.pypi.local_files import with_local_files

    wanted = [member for group, known in groups if known is None for member in group]
    extracted = options.use_extracted or options.offline
    records = [
        with_local_files([member], unpacked=extracted)[0] if isinstance(member, LockedWheel) else member
        for member in wanted
    ]
    places = find_packages(records, cache_dir, extracted=extracted)
    if options.offline:
        check_found(records, places)
    for record, place in zip(records, places, strict=True):
        if place is None:
            check_local(record)
    paths = dict(zip((member.stem for member in wanted), places, strict=True))
    for group, known in groups:
        for member in group:
            path = paths.get(member.stem)
            if known is not None:
                yield PackagePreview(member, Place.LAYER)
            elif path is None:
                yield PackagePreview(member, Place.DOWNLOAD)
            else:
                yield PackagePreview(member, Place.FOLDER if path.is_dir() else Place.ARCHIVE, path)
