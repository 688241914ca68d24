"""The licenses of wheels, before anything is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conda_docker.environment.packages.wheels import LockedWheel


def wheel_licenses(
    wheels: Sequence[LockedWheel], cache_dir: Path, *, offline: bool = False
) -> list[tuple[LockedWheel, str | None]]:
    """Return what each wheel states, which is downloaded unless it is on this machine.

    Raises `DownloadError` for a wheel that cannot be had, `InvalidPackage` for one that is damaged.
    """
    if not wheels:
        return []
    from conda_docker.package.fetch.fetch import fetch_packages
    from conda_docker.pypi.local_files import with_local_files
    from conda_docker.pypi.wheel.archive import open_wheel
    from conda_docker.pypi.wheel.license import stated_license

    found = {}
    for wheel, path in fetch_packages(with_local_files(wheels, unpacked=False), cache_dir, offline=offline):
        with open_wheel(path, wheel.file_name).reading() as reader:
            found[wheel.url] = stated_license(reader.metadata("METADATA"))
    return [(wheel, found[wheel.url]) for wheel in wheels]
