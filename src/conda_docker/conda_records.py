"""PackageCacheRecord: a package under the names of conda's own records, as callers of earlier releases know it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from conda_docker.environment.locked import LockedEnvironment, LockedPackage
from conda_docker.environment.subdirs import host_subdir


@dataclass(frozen=True, slots=True)
class PackageCacheRecord:
    """A package, and where it is on this machine if that is known."""

    package: LockedPackage

    @property
    def name(self) -> str:
        return self.package.name

    @property
    def version(self) -> str:
        return self.package.version

    @property
    def build(self) -> str:
        return self.package.build

    @property
    def build_string(self) -> str:
        return self.package.build

    @property
    def build_number(self) -> int:
        return self.package.build_number

    @property
    def channel(self) -> str | None:
        return self.package.channel

    @property
    def base_url(self) -> str | None:
        return self.package.channel.rstrip("/") if self.package.channel else None

    @property
    def subdir(self) -> str:
        return self.package.subdir

    @property
    def url(self) -> str:
        return self.package.public_url

    @property
    def md5(self) -> str | None:
        return self.package.md5

    @property
    def sha256(self) -> str | None:
        return self.package.sha256

    @property
    def fn(self) -> str:
        return self.package.file_name

    @property
    def package_tarball_full_path(self) -> str | None:
        source = self.package.source
        return str(source) if source is not None and source.is_file() else None

    @property
    def extracted_package_dir(self) -> str | None:
        source = self.package.source
        return str(source) if source is not None and source.is_dir() else None

    def dump(self) -> dict[str, Any]:
        """Return every field of the channel's index."""
        return dict(self.package.record)


def locked_environment(
    records: Sequence[PackageCacheRecord], channels_remap: Sequence[Mapping[str, str]] = ()
) -> LockedEnvironment:
    """Return the environment of these packages, in order.

    URLs that begin with a remap's `src` begin with its `dest` then.
    """
    packages = [_remapped(record.package, channels_remap) for record in records]
    subdir = next((package.subdir for package in packages if package.subdir != "noarch"), host_subdir())
    return LockedEnvironment(subdir, ()).with_packages(tuple(packages))


def _remapped(package: LockedPackage, channels_remap: Sequence[Mapping[str, str]]) -> LockedPackage:
    for remap in channels_remap:
        if package.url.startswith(remap["src"]):
            url = remap["dest"] + package.url.removeprefix(remap["src"])
            channel = url.rsplit("/", 2)[0] + "/"
            return replace(package, url=url, channel=channel, record={**package.record, "url": url, "channel": channel})
    return package
