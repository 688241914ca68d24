"""LayerPackages: the packages of a layer, by its history or by their own records, and which files are theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conda_docker.environment.packages.package_url import channel_of_url
from conda_docker.environment.packages.wheels import normalize_name
from conda_docker.report.bill import Licenses
from conda_docker.report.contents import PackageItem
from conda_docker.report.layer_files import LayerFiles
from conda_docker.report.parts import owners_of
from conda_docker.report.records import Record

if TYPE_CHECKING:
    from conda_docker.provenance.installed import InstalledPackage
    from conda_docker.verification.steps import Step

Requested = frozenset[tuple[str, str, str]]
"""What users asked for: prefix, kind and normal name of packages."""


@dataclass(frozen=True, slots=True)
class LayerPackages:
    """A layer with its packages and the record of each, where there is one; `files` is None where it was not read."""

    step: Step
    packages: tuple[PackageItem, ...]
    records: tuple[Record | None, ...]
    files: LayerFiles | None

    def owners(self) -> Mapping[str, int]:
        """Return which package a file is of, by its path. The one package of a layer of packages has all of it."""
        paths = self.files.sizes if self.files is not None else {}
        if self.step.packages and len(self.packages) == 1:
            return dict.fromkeys(paths, 0)
        numbered = [(number, record) for number, record in enumerate(self.records) if record is not None]
        by_record = owners_of([record for _, record in numbered])
        return {path: numbered[owner][0] for path, owner in by_record.items()}

    def sizes(self) -> list[int | None]:
        """Return the bytes of the files of each package, None where the layer was not read."""
        if self.files is None:
            return [None] * len(self.packages)
        sizes = [0] * len(self.packages)
        owners = self.owners()
        for path, size in self.files.sizes.items():
            if (owner := owners.get(path)) is not None:
                sizes[owner] += size
        return [*sizes]


def packages_in_layer(step: Step, files: LayerFiles | None, requested: Requested, licenses: Licenses) -> LayerPackages:
    """Return the packages of a layer: those that its history names, else those whose records are in it.

    `licenses` are of packages whose records were not read.
    """
    number = step.position + 1
    records = files.records if files is not None else ()
    packages: list[PackageItem] = []
    of_packages: list[Record | None] = []
    if step.packages:
        by_key = {record.key: record for record in records}
        for package in step.packages:
            record = by_key.get(_key(package))
            license_ = record.license if record is not None else licenses.get((*_key(package), package.version))
            packages.append(_named_by_history(package, license_, number))
            of_packages.append(record)
    else:
        for record in records:
            packages.append(
                PackageItem(
                    *(record.kind, record.name, record.version, record.build, record.channel, record.license),
                    *(record.prefix, False, number, None),
                )
            )
            of_packages.append(record)
    known = tuple(replace(package, requested=_full_key(package) in requested) for package in packages)
    return LayerPackages(step, known, tuple(of_packages), files)


def remaining_packages(found: Sequence[LayerPackages]) -> list[PackageItem]:
    """Return the packages that are left when all layers are applied, the lowest first, sorted by name."""
    packages: dict[tuple[str, str, str], tuple[PackageItem, str | None]] = {}
    for each in found:
        if each.files is not None and each.files.removed:
            packages = {
                key: (package, path)
                for key, (package, path) in packages.items()
                if path is None or not _is_removed(path, each.files.removed)
            }
        for package, record, size in zip(each.packages, each.records, each.sizes(), strict=True):
            packages[_full_key(package)] = (replace(package, size=size), record.path if record else None)
    return [package for package, _ in sorted(packages.values(), key=lambda each: (each[0].name.lower(), each[0].kind))]


def _key(package: InstalledPackage) -> tuple[str, str]:
    return ("pypi", normalize_name(package.name)) if package.is_wheel else ("conda", package.name)


def _full_key(package: PackageItem) -> tuple[str, str, str]:
    return package.prefix, package.kind, normalize_name(package.name) if package.kind == "pypi" else package.name


def _named_by_history(package: InstalledPackage, license_: str | None, layer: int) -> PackageItem:
    if package.is_wheel:
        return PackageItem(
            "pypi", package.name, package.version, None, "pypi", license_, package.prefix, False, layer, None
        )
    return PackageItem(
        *("conda", package.name, package.version, package.build, channel_of_url(package.url), license_),
        *(package.prefix, False, layer, None),
    )


def _is_removed(path: str, removed: frozenset[str]) -> bool:
    """Return whether a path is among those that a layer removes, or is in a folder that is."""
    while path:
        if path in removed:
            return True
        path = path.rpartition("/")[0]
    return False
