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
from conda_docker.layers.member import Member, OpenedMember, open_member
from conda_docker.link.report import LinkReport
from conda_docker.package.archive import Package, UnsurveyedPackage
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
        self, records: Sequence[Member], paths: Sequence[Path], advance: Callable[[int], object] | None = None
    ) -> tuple[Layer, LayerFacts]:
        """Write the layer of `records`, whose archives or folders are `paths`, in their order.

        A path that several of them bring is the last one's. `advance` is called with the numbers of bytes of the files
        that were written. Raises `InvalidPackage`.
        """
        members = [open_member(*pair) for pair in zip(records, paths, strict=True)]
        without = self._without(members)
        for _ in members:
            try:
                return self._write(members, without, advance)
            except UnsurveyedPackage as error:
                # Rare: some old archives must be read twice.
                error.package.survey()
        return self._write(members, without, advance)

    def _without(self, members: Sequence[OpenedMember]) -> list[frozenset[str]]:
        if self.lost is not None:
            return [self.lost.get(opened.member.stem, frozenset()) for opened in members]
        if len(members) == 1:
            return [frozenset()]
        return find_losses([self.installed(opened) for opened in members])

    def installed(self, opened: OpenedMember) -> list[str]:
        """The paths, relative to the prefix, of what a member comes to."""
        return opened.installed(self.prefix, self.filter, self.compiler)

    def replaced(self, opened: OpenedMember, installed: Sequence[str], names: Sequence[str]) -> frozenset[str]:
        """The paths among those `installed` that belong to distributions which wheels replace."""
        if not names or opened.package is None or self.prefix.site_packages is None:
            return frozenset()
        from conda_docker.pypi.replaced import replaced_paths

        return replaced_paths(opened.package, names, installed, self.prefix.site_packages)

    def _write(
        self,
        members: Sequence[OpenedMember],
        without: Sequence[frozenset[str]],
        advance: Callable[[int], object] | None,
    ) -> tuple[Layer, LayerFacts]:
        reports: list[LinkReport] = []
        with build_layer(self.store.writer(), self.compression, self.level) as builder:
            for opened, lost in zip(members, without, strict=True):
                linked = opened.link(self.prefix, self.filter, self.compiler, lost)
                for entry, content in linked:
                    builder.add(entry, content)
                    if advance is not None:
                        advance(entry.size)
                reports.append(linked.report)
        assert builder.layer is not None
        return builder.layer, _facts(
            [opened.member for opened in members], reports, clobbered=self.lost is None and any(without)
        )


def own_record(record: LockedPackage, package: Package) -> LockedPackage:
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


def _facts(records: Sequence[Member], reports: Sequence[LinkReport], *, clobbered: bool) -> LayerFacts:
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
