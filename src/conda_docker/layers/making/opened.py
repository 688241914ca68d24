"""Packages that are on this machine, opened to be linked into a layer: conda packages and wheels alike."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from conda_docker.environment.locked import LockedPackage, package_from_record
from conda_docker.errors import InvalidPackage
from conda_docker.layers.member import NO_LOSS, Loss

if TYPE_CHECKING:
    from typing import BinaryIO

    from conda_docker.environment.packages.wheels import LockedWheel
    from conda_docker.layers.linked_folders import Moves
    from conda_docker.layers.member import Member
    from conda_docker.link.bytecode.compiler import Compiler
    from conda_docker.link.filter import FileFilter
    from conda_docker.link.prefix import Prefix
    from conda_docker.link.report import LinkReport
    from conda_docker.package.archive import Package
    from conda_docker.package.conda_format import PackageFile
    from conda_docker.pypi.wheel.archive import Wheel
    from python_docker.tar import TarEntry


_BLOCK = 512
"""Bytes: a file in a tar has a header of one block, and fills its last one."""


class Linked(Protocol):
    """The entries of a linked package, in order; `report` is complete once all have been taken."""

    @property
    def report(self) -> LinkReport:
        """What was seen on the way."""

    def __iter__(self) -> Iterator[tuple[TarEntry, bytes | BinaryIO]]:
        """Yield each entry with its content, which can be read until the next one is asked for."""


class Opened(Protocol):
    """A package that is on this machine, ready to be linked."""

    @property
    def size(self) -> int:
        """Return how many bytes its files take in a layer, about; 0 where that is not known."""

    def link(self, prefix: Prefix, *, filter: FileFilter, compiler: Compiler | None, loss: Loss = NO_LOSS) -> Linked:
        """Return its entries in an environment, but for what it has lost to others."""

    def paths(self, prefix: Prefix, *, filter: FileFilter, tag: str | None, moved: Moves | None = None) -> list[str]:
        """Return the paths that it comes to, relative to the prefix; with `.pyc` files where there is a cache tag."""

    def links(self, prefix: Prefix) -> Mapping[str, str]:
        """Return those of its paths that are symbolic links, with their targets. Reads all of it."""

    def digests(self, prefix: Prefix, moved: Moves) -> Mapping[str, str]:
        """Return the SHA-256 of the files of which its manifest states what is installed, by path. Reads no payload."""

    def replaced_paths(self, paths: Collection[str], distributions: Collection[str], prefix: Prefix) -> frozenset[str]:
        """Return those of its `paths` that belong to distributions which wheels replace, by normalized names."""


def open_member(member: Member, path: PackageFile) -> Opened:
    """Open the archive, folder or wheel at `path`, which is that package. Raises `InvalidPackage`."""
    if not isinstance(member, LockedPackage):
        assert isinstance(path, Path)  # what is in a wheel is known when all of it is there
        from conda_docker.pypi.wheel.archive import check_distribution, open_wheel
        from conda_docker.pypi.wheel.unpacked import open_unpacked

        read = open_unpacked if path.is_dir() else open_wheel
        wheel = read(path, member.file_name)
        check_distribution(wheel, member)
        return _OpenedWheel(member, wheel)
    from conda_docker.package.archive import open_package

    package = open_package(path)
    return _OpenedPackage(_own_record(member, package), package)


@dataclass(frozen=True, slots=True)
class _OpenedPackage:
    record: LockedPackage
    package: Package

    @property
    def size(self) -> int:
        return sum(_BLOCK + -(-(entry.size or 0) // _BLOCK) * _BLOCK for entry in self.package.metadata.paths)

    def link(self, prefix: Prefix, *, filter: FileFilter, compiler: Compiler | None, loss: Loss = NO_LOSS) -> Linked:
        from conda_docker.link.link import link_package

        return link_package(
            self.package,
            self.record,
            prefix,
            filter=filter,
            compiler=compiler,
            without=loss.without,
            moved=loss.moved,
        )

    def paths(self, prefix: Prefix, *, filter: FileFilter, tag: str | None, moved: Moves | None = None) -> list[str]:
        from conda_docker.link.installed_paths import installed_paths

        return installed_paths(self.package, prefix, filter=filter, tag=tag, moved=moved)

    def links(self, prefix: Prefix) -> Mapping[str, str]:
        from conda_docker.link.noarch import installed_path, site_packages_of
        from python_docker.tar import EntryType

        found = {e.path: e.link_target for e, _ in self.package.members() if e.type is EntryType.SYMLINK}
        site_packages = site_packages_of(self.package.metadata, prefix)
        if site_packages is None:
            return found
        return {installed_path(path, site_packages): target for path, target in found.items()}

    def digests(self, prefix: Prefix, moved: Moves) -> Mapping[str, str]:
        from conda_docker.link.installed_paths import installed_digests

        return installed_digests(self.package, prefix, moved)

    def replaced_paths(self, paths: Collection[str], distributions: Collection[str], prefix: Prefix) -> frozenset[str]:
        if not distributions or prefix.site_packages is None:
            return frozenset()
        from conda_docker.pypi.wheel.replaced import replaced_paths

        return replaced_paths(self.package, distributions, paths, prefix.site_packages)


@dataclass(frozen=True, slots=True)
class _OpenedWheel:
    locked: LockedWheel
    wheel: Wheel

    @property
    def size(self) -> int:
        return 0

    def link(self, prefix: Prefix, *, filter: FileFilter, compiler: Compiler | None, loss: Loss = NO_LOSS) -> Linked:
        from conda_docker.pypi.wheel.wheel import link_wheel

        return link_wheel(
            self.wheel,
            self.locked,
            prefix,
            filter=filter,
            compiler=compiler,
            without=loss.without,
            moved=loss.moved,
        )

    def paths(self, prefix: Prefix, *, filter: FileFilter, tag: str | None, moved: Moves | None = None) -> list[str]:
        from conda_docker.pypi.wheel.wheel import installed_wheel_paths

        return installed_wheel_paths(self.wheel, self.locked, prefix, filter=filter, tag=tag, moved=moved)

    def links(self, prefix: Prefix) -> Mapping[str, str]:
        return {}  # wheels have none

    def digests(self, prefix: Prefix, moved: Moves) -> Mapping[str, str]:
        from conda_docker.pypi.wheel.wheel import installed_wheel_digests

        return installed_wheel_digests(self.wheel, prefix, moved)

    def replaced_paths(self, paths: Collection[str], distributions: Collection[str], prefix: Prefix) -> frozenset[str]:
        return frozenset()


def _own_record(record: LockedPackage, package: Package) -> LockedPackage:
    """Return the package as it describes itself, with where it is from and its archive's hashes.

    Not as the channel describes it today: a layer is the same whenever it is built, and whatever led to the package.
    Raises `InvalidPackage` for a package that is not what the channel says where the two must agree: what a layer is
    looked up by, and how it is linked.
    """
    from conda_docker.package.fetch.hashes import archive_hashes

    metadata = package.metadata
    asked = (record.name.lower(), record.version, record.build)
    if (metadata.name.lower(), metadata.version, metadata.build) != asked:
        raise InvalidPackage(f"{package.what} is {metadata.stem}, and the channel says that it is {record.stem}")
    if record.complete and (metadata.noarch == "python") != (record.noarch == "python"):
        own, said = (f"noarch: {kind}" if kind else "not noarch" for kind in (metadata.noarch, record.noarch))
        raise InvalidPackage(f"{package.what} is {own}, and the channel says that it is {said}")
    checked = {"sha256": record.sha256, "md5": record.md5, "size": record.size}
    if isinstance(package.path, Path) and package.is_archive and None in checked.values():
        checked |= archive_hashes(package.path)
    where = {"url": record.url, "fn": record.file_name, "subdir": record.subdir, "channel": record.channel}
    own_record = package_from_record({**metadata.index, **where, **checked})
    return replace(own_record, source=record.source)
