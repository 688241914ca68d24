"""complete_environment: what an environment's description leaves out, taken from its packages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from python_docker.progress import SILENT, Progress

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from conda_docker.environment.locked import LockedEnvironment, LockedPackage


def complete_environment(
    environment: LockedEnvironment,
    cache_dir: Path,
    *,
    offline: bool = False,
    download: bool = True,
    progress: Progress = SILENT,
) -> LockedEnvironment:
    """Return the environment with all that is not known of its packages taken from the packages themselves, in order.

    Explicit lists do not say what a package depends on, and records of older clients not where a free-threaded Python
    has its modules. What was learned once is remembered, so that a second build reads no package. Without `download`,
    packages that are not on this machine stay as they are. Raises `DownloadError` and `InvalidPackage`.
    """
    unknown = [package for package in environment.packages if not package.complete]
    if not unknown:
        return environment
    known = _indexes(unknown, cache_dir, offline, download, progress)
    packages = []
    for package in environment.packages:
        if not package.complete and (download or package.url in known):
            index = known[package.url]
            checked = {key: index[key] for key in ("sha256", "md5", "size") if key in index}
            package = package.with_index(index, **checked)  # noqa: PLW2901
        packages.append(package)
    return environment.with_packages(tuple(packages))


def _indexes(
    packages: Iterable[LockedPackage], cache_dir: Path, offline: bool, download: bool, progress: Progress
) -> Mapping[str, Mapping[str, Any]]:
    """Return the `index.json` of each package, with the hashes of its archive, by its URL."""
    from conda_docker.package.archive import open_package
    from conda_docker.package.fetch.fetch import fetch_packages
    from conda_docker.package.fetch.find import find_packages
    from conda_docker.package.fetch.hashes import archive_hashes
    from conda_docker.package.fetch.index_cache import IndexCache

    cache = IndexCache(cache_dir)
    known: dict[str, Mapping[str, Any]] = {}
    wanted = []
    for package in packages:
        remembered = cache.get(package)
        if remembered is None:
            wanted.append(package)
        else:
            known[package.url] = remembered
    if not download:
        offline = True
        found = find_packages(wanted, cache_dir, extracted=True)
        wanted = [package for package, path in zip(wanted, found, strict=True) if path is not None]
    for package, path in fetch_packages(wanted, cache_dir, offline=offline, progress=progress) if wanted else ():
        index = dict(open_package(path).metadata.index)
        if path.is_file():
            index |= archive_hashes(path)
        cache.put(package, index)
        known[package.url] = index
    return known
