"""What a conda package loses when a wheel replaces a distribution of it: what pip would remove before it installs."""

from __future__ import annotations

import csv
import io
import posixpath
import re
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from conda_docker.environment.packages.wheels import normalize_name
from conda_docker.link.noarch import installed_path

if TYPE_CHECKING:
    from conda_docker.package.archive import Package

_MAX_RECORD = 64 << 20  # bytes
_METADATA = re.compile(r"(?P<name>[^/]+?)-[^/-]+(?:-py[0-9.]+)?\.(?:dist|egg)-info")


def replaced_paths(
    package: Package, distributions: Collection[str], installed: Iterable[str], site_packages: str
) -> frozenset[str]:
    """Return the paths among `installed`, the package's own in the prefix, that belong to one of `distributions`.

    The list is the distribution's own (RECORD, or `installed-files.txt` of an egg). One without a list owns all modules
    of its package. Compiled modules go with their sources. Reads the package. Raises `InvalidPackage`.

    `distributions` are normalized names.
    """
    places = frozenset(installed)
    folders = {
        folder
        for place in places
        if (folder := _metadata_folder(place, site_packages)) and _distribution(folder) in distributions
    }
    listed: set[str] = set()
    has_list: set[str] = set()
    for place, text in _lists(package, folders, site_packages):
        folder = _metadata_folder(place, site_packages)
        has_list.add(folder)
        listed.update(_rows(text, site_packages if place.endswith("/RECORD") else f"{site_packages}/{folder}"))
    if folders - has_list:
        listed.update(place for place in places if place.startswith(f"{site_packages}/"))
    lost = {
        place
        for place in places
        if place in listed or _metadata_folder(place, site_packages) in folders or _source_of(place) in listed
    }
    return frozenset(place for place in lost if not place.startswith("conda-meta/"))


def _metadata_folder(place: str, site_packages: str) -> str:
    """Return the name of the metadata's folder (or file, of an old egg) that `place` is in, "" for other files."""
    if not place.startswith(f"{site_packages}/"):
        return ""
    folder = place[len(site_packages) + 1 :].partition("/")[0]
    return folder if _METADATA.fullmatch(folder) else ""


def _distribution(folder: str) -> str:
    match = _METADATA.fullmatch(folder)
    return normalize_name(match["name"]) if match else ""


def _lists(package: Package, folders: Collection[str], site_packages: str) -> Iterator[tuple[str, str]]:
    """Give the lists of files of the distributions in `folders`, each with its place."""
    wanted = {f"{site_packages}/{folder}/{name}" for folder in folders for name in ("RECORD", "installed-files.txt")}
    for entry, content in package.entries():
        place = entry.path
        if package.metadata.noarch == "python":
            place = installed_path(place, site_packages)
        if place in wanted and entry.size <= _MAX_RECORD:
            yield place, content.read().decode("utf-8", "replace")


def _rows(text: str, folder: str) -> Iterator[str]:
    for row in csv.reader(io.StringIO(text, newline="")):
        if row and row[0]:
            yield posixpath.normpath(posixpath.join(folder, row[0]))


def _source_of(place: str) -> str:
    """Return the module that a `.pyc` file was compiled from, "" for other files."""
    folder, _, name = place.rpartition("/")
    if not name.endswith(".pyc") or posixpath.basename(folder) != "__pycache__":
        return ""
    return f"{posixpath.dirname(folder)}/{name.split('.')[0]}.py"
