"""What conda packages bring to pip: the distributions whose metadata they install, as pip would see them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from conda_docker.cache.folder import CacheFolder, NoteKind
from conda_docker.environment.packages.topological_order import match_spec_name
from conda_docker.environment.packages.wheels import Distribution, normalize_name
from conda_docker.errors import DownloadError
from python_docker.progress import SILENT, Progress

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedPackage


# lib/python3.12/site-packages/six-1.17.0.dist-info/METADATA, or from the root of a noarch package; eggs have a file or
# a folder, whose name may go on with the Python that it was made for.
_METADATA = re.compile(
    r"(?:^|.*/)site-packages/(?P<name>[A-Za-z0-9][A-Za-z0-9._]*)-(?P<version>[^/-]+)"
    r"(?:\.dist-info/METADATA|(?:-py[0-9.]+)?\.egg-info(?:/PKG-INFO)?)"
)
_MAX_METADATA = 4 << 20  # bytes
_PURL = re.compile(r"pkg:pypi/(?P<name>[^@?#]+)(?:@(?P<version>[^?#]+))?")


def distributions_in(paths: Iterable[str]) -> list[tuple[str, str]]:
    """Return name and version of the distributions whose metadata is among `paths`, the files of a package.

    >>> distributions_in(["site-packages/ruamel.yaml-0.18.6.dist-info/METADATA", "bin/yaml"])
    [('ruamel-yaml', '0.18.6')]
    """
    found = {}
    for path in paths:
        # Nearly all paths end here: a package has thousands, and one or two that matter.
        if "-info" in path and (match := _METADATA.fullmatch(path)):
            found[normalize_name(match["name"])] = match["version"].replace("_", "-")
    return sorted(found.items())


def provided_distributions(
    packages: Sequence[LockedPackage],
    cache_dir: Path,
    *,
    offline: bool = False,
    exact: bool = False,
    progress: Progress = SILENT,
) -> tuple[Distribution, ...]:
    """Return what `packages` bring, sorted by name.

    Only packages that have to do with Python are looked into, once: what was found is remembered in `cache_dir`, by
    their hashes. Those that are not on this machine are downloaded; where they cannot be had, the `purls` of their
    records count, and else their own names; `exact` raises `DownloadError` instead.
    """
    concerned = [package for package in packages if _concerns_python(package)]
    known: dict[str, list[tuple[str, str]]] = {}
    for package in concerned:
        remembered = _remembered(package, cache_dir)
        if remembered is not None:
            known[package.stem] = remembered
    unknown = [package for package in concerned if package.stem not in known]
    for package, found in _look_into(unknown, cache_dir, offline=offline, exact=exact, progress=progress):
        known[package.stem] = found
        _remember(package, found, cache_dir)
    distributions: dict[str, Distribution] = {}
    for package in concerned:
        looked_into = known.get(package.stem)
        for name, version in _stated(package) if looked_into is None else looked_into:
            distributions[name] = Distribution(name, version, package.stem)
    return tuple(sorted(distributions.values(), key=lambda distribution: distribution.name))


def stated_distributions(packages: Sequence[LockedPackage]) -> tuple[Distribution, ...]:
    """Return what the records of `packages` say that they bring; nothing is read but these.

    Enough for a lock file, which names the wheels to be installed: the same answer on every machine, at no cost.
    """
    return tuple(
        Distribution(name, version, package.stem)
        for package in packages
        if _concerns_python(package)
        for name, version in _stated(package)
    )


def extras_metadata(
    distribution: Distribution, packages: Sequence[LockedPackage], cache_dir: Path, *, offline: bool = False
) -> tuple[str, ...]:
    """Return the lines of a distribution's metadata about its extras: which there are, and what they need.

    Reads the conda package that brings it. Returns nothing where that cannot be had.
    """
    from conda_docker.package.archive import open_package
    from conda_docker.package.fetch.fetch import fetch_packages

    wanted = [package for package in packages if package.stem == distribution.package]
    with suppress(DownloadError):
        for _, path in fetch_packages(wanted, cache_dir, offline=offline, extracted=True):
            for entry, content in open_package(path).entries():
                if [found[0] for found in distributions_in([entry.path])] == [distribution.name]:
                    return _extras_lines(content.read(_MAX_METADATA).decode("utf-8", "replace"))
    return ()


def _extras_lines(text: str) -> tuple[str, ...]:
    head = text.partition("\n\n")[0].splitlines()
    return tuple(
        line
        for line in head
        if line.startswith("Provides-Extra:") or (line.startswith("Requires-Dist:") and "extra ==" in line)
    )


def _concerns_python(package: LockedPackage) -> bool:
    # Of a package that nothing is known of but its URL, everything may be.
    return (
        not package.complete
        or package.noarch == "python"
        or any(match_spec_name(spec) in {"python", "python_abi"} for spec in package.depends)
    )


def _look_into(
    packages: Sequence[LockedPackage], cache_dir: Path, *, offline: bool, exact: bool, progress: Progress
) -> Iterator[tuple[LockedPackage, list[tuple[str, str]]]]:
    if not packages:
        return
    from conda_docker.package.archive import open_package
    from conda_docker.package.fetch.fetch import fetch_packages
    from conda_docker.package.fetch.find import find_package

    if offline and not exact:
        packages = [package for package in packages if find_package(package, cache_dir) is not None]
    # Building reports it better, and does without where layers exist.
    with nullcontext() if exact else suppress(DownloadError):
        for package, path in fetch_packages(packages, cache_dir, offline=offline, extracted=True, progress=progress):
            yield package, distributions_in(entry.path for entry in open_package(path).metadata.paths)


def _stated(package: LockedPackage) -> list[tuple[str, str]]:
    """Return what the record of a package says that it brings, or its name suggests."""
    purls = package.record.get("purls")
    found = [
        (normalize_name(unquote(match["name"])), unquote(match["version"] or package.version))
        for purl in (purls if isinstance(purls, list) else ())
        if (match := _PURL.match(str(purl)))
    ]
    return found or [(normalize_name(package.name), package.version)]


def _remembered(package: LockedPackage, cache_dir: Path) -> list[tuple[str, str]] | None:
    key = package.sha256 or package.md5
    note = CacheFolder(cache_dir).read_note(NoteKind.DISTRIBUTIONS, key) if key is not None else None
    if note is None:
        return None
    try:
        return [(str(name), str(version)) for name, version in json.loads(note)]
    except (ValueError, TypeError):
        return None


def _remember(package: LockedPackage, found: list[tuple[str, str]], cache_dir: Path) -> None:
    key = package.sha256 or package.md5
    if key is not None:
        CacheFolder(cache_dir).remember(NoteKind.DISTRIBUTIONS, key, json.dumps(found, separators=(",", ":")).encode())
