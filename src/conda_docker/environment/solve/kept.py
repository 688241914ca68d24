"""Packages of an earlier choice, which are kept where nothing speaks against them: given to rattler, and taken back.

rattler forgets what it has no field for, and a record that was locked stays as it is: rules about licenses and ages
depend on it, and so do the bytes of images.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from rattler import RepoDataRecord
    from rattler.package.no_arch_type import NoArchLiteral

    from conda_docker.environment.locked import LockedPackage


def kept_record(package: LockedPackage) -> RepoDataRecord:
    """Return a package with all that can matter to a solver."""
    from rattler import PackageRecord, RepoDataRecord
    from rattler.package import BuildString

    own = PackageRecord(
        package.name,
        package.version,
        BuildString(package.build),
        package.build_number,
        package.subdir,
        noarch=cast("NoArchLiteral | None", package.noarch),
        depends=list(package.depends),
        constrains=_texts(package.record.get("constrains")),
        sha256=None if package.sha256 is None else bytes.fromhex(package.sha256),
        md5=None if package.md5 is None else bytes.fromhex(package.md5),
        size=package.size,
        python_site_packages_path=package.python_site_packages_path,
    )
    own.track_features = _texts(package.record.get("track_features"))
    if package.timestamp is not None:
        own.timestamp = datetime.fromtimestamp(package.timestamp / 1000, UTC)
    return RepoDataRecord(own, package.file_name, package.url, package.channel or "")


def with_kept(chosen: LockedPackage, kept: Mapping[str, LockedPackage]) -> LockedPackage:
    """Return a package as it was kept, by its public URL, if it is the same one with the same needs."""
    earlier = kept.get(chosen.public_url)
    if earlier is None or (chosen.sha256, chosen.depends) != (earlier.sha256, earlier.depends):
        return chosen
    return earlier


def by_url(packages: Iterable[LockedPackage]) -> dict[str, LockedPackage]:
    """Return packages by their public URLs."""
    return {package.public_url: package for package in packages}


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):  # `track_features` of old indexes
        return value.replace(",", " ").split()
    return [str(each) for each in value or ()]
