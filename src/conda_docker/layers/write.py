"""Writing one layer: its packages linked one after another into a tar, which is compressed and hashed on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.environment.locked import LockedPackage, package_from_record
from conda_docker.layers.clobbers import Losses, find_losses, folders_of
from conda_docker.layers.facts import LayerFacts
from conda_docker.link.link import installed_paths, link_package
from conda_docker.link.report import LinkReport
from conda_docker.package.archive import Package, UnsurveyedPackage, open_package
from python_docker.blob import BlobStore
from python_docker.compression import Compression
from python_docker.layer import Layer, build_layer

if TYPE_CHECKING:
    from conda_docker.link.bytecode.compiler import Compiler
    from conda_docker.link.filter import FileFilter
    from conda_docker.link.prefix import Prefix


@dataclass(frozen=True, slots=True)
class LayerWriting:
    """How layers are written, and the store that they are written to.

    `lost` are the paths that packages lose to others of the environment; None: as far as those of one layer tell.
    """

    store: BlobStore
    prefix: Prefix
    filter: FileFilter
    compiler: Compiler | None = None
    compression: Compression = Compression.GZIP
    level: int | None = None
    lost: Losses | None = None

    def write(
        self, records: Sequence[LockedPackage], paths: Sequence[Path], advance: Callable[[int], object] | None = None
    ) -> tuple[Layer, LayerFacts]:
        """Write the layer of `records`, whose archives or folders are `paths`, in their order.

        A path that several of them bring is the last one's. `advance` is called with the numbers of bytes of the files
        that were written. Raises `InvalidPackage`.
        """
        packages = [open_package(path) for path in paths]
        own = [_own_record(*pair) for pair in zip(records, packages, strict=True)]
        without = self._without(records, packages)
        for _ in packages:
            try:
                return self._write(own, packages, without, advance)
            except UnsurveyedPackage as error:
                # Rare: some old archives must be read twice.
                error.package.survey()
        return self._write(own, packages, without, advance)

    def _without(self, records: Sequence[LockedPackage], packages: Sequence[Package]) -> list[frozenset[str]]:
        if self.lost is not None:
            return [self.lost.get(record.stem, frozenset()) for record in records]
        if len(packages) == 1:
            return [frozenset()]
        return find_losses([self.installed(package) for package in packages])

    def installed(self, package: Package) -> list[str]:
        """The paths, relative to the prefix, of what a package comes to."""
        return installed_paths(package, self.prefix, filter=self.filter, compiler=self.compiler)

    def _write(
        self,
        records: Sequence[LockedPackage],
        packages: Sequence[Package],
        without: Sequence[frozenset[str]],
        advance: Callable[[int], object] | None,
    ) -> tuple[Layer, LayerFacts]:
        reports: list[LinkReport] = []
        with build_layer(self.store.writer(), self.compression, self.level) as builder:
            for record, package, lost in zip(records, packages, without, strict=True):
                linked = link_package(
                    package, record, self.prefix, filter=self.filter, compiler=self.compiler, without=lost
                )
                for entry, content in linked:
                    builder.add(entry, content)
                    if advance is not None:
                        advance(entry.size)
                reports.append(linked.report)
        assert builder.layer is not None
        return builder.layer, _facts(records, reports, clobbered=self.lost is None and any(without))


def _own_record(record: LockedPackage, package: Package) -> LockedPackage:
    """The package as it describes itself, with where it is from and its archive's hashes.

    Not as the channel describes it today: a layer is the same whenever it is built, and whatever led to the package.
    """
    checked = {"sha256": record.sha256, "md5": record.md5, "size": record.size}
    if package.is_archive and None in checked.values():
        checked |= archive_hashes(package.path)
    where = {"url": record.url, "fn": record.file_name, "subdir": record.subdir, "channel": record.channel}
    own = package_from_record({**package.metadata.index, **where, **checked})
    return replace(own, source=record.source)


def archive_hashes(path: Path) -> dict[str, str | int]:
    """The `sha256`, `md5` and `size` (in bytes) of a file."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    size = 0
    with path.open("rb") as file:
        while data := file.read(1 << 20):
            sha256.update(data)
            md5.update(data)
            size += len(data)
    return {"sha256": sha256.hexdigest(), "md5": md5.hexdigest(), "size": size}


def _facts(records: Sequence[LockedPackage], reports: Sequence[LinkReport], *, clobbered: bool) -> LayerFacts:
    paths = [path for report in reports for path in report.paths]
    return LayerFacts(
        packages=tuple(record.stem for record in records),
        post_link=tuple(record.name for record, report in zip(records, reports, strict=True) if report.post_link),
        activate=tuple(path for report in reports for path in report.activate),
        variables={name: fields for report in reports for name, fields in report.variables.items()},
        trimmed_files=sum(report.trimmed_files for report in reports),
        trimmed_bytes=sum(report.trimmed_bytes for report in reports),
        uncompiled=tuple(path for report in reports for path in sorted(report.uncompiled)),
        clobbered=clobbered,
        paths=frozenset(map(_hash, paths)),
        folders=frozenset(map(_hash, folders_of(paths))),
    )


def _hash(path: str) -> int:
    # 64 bits: that two of a million paths meet by chance is one case in forty million.
    digest = hashlib.blake2b(path.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "big")
