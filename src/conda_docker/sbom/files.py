"""The files of the packages in an image, with their digests, as its layers hold them."""

from __future__ import annotations

import csv
import hashlib
import io
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from conda_docker.environment.packages.wheels import normalize_name
from conda_docker.provenance.reading import packages_of_layer
from python_docker.spec.strict_json import parse_loose_json
from python_docker.tar import EntryType

if TYPE_CHECKING:
    from conda_docker.provenance.installed import InstalledPackage
    from python_docker.image import Image
    from python_docker.image.layer import Layer

_READ_SIZE = 1 << 20
_LARGEST_LIST = 64 << 20  # bytes of a record in conda-meta or a wheel's RECORD


@dataclass(frozen=True, slots=True)
class FileItem:
    """A regular file in an image: its path, relative to the root, and its digests in hexadecimal digits."""

    path: str
    sha256: str
    sha1: str


def files_of_packages(image: Image) -> dict[tuple[str, str], tuple[FileItem, ...]]:
    """Return the files of each package, by the prefix and the URL of the package. Reads all layers of packages.

    Of a layer that several packages share, the records in `conda-meta`, and the `RECORD` of wheels, say whose a file
    is. Files that a client makes for a package, such as compiled modules, are among them.
    """
    found: dict[tuple[str, str], tuple[FileItem, ...]] = {}
    for layer in reversed(image.layers):
        packages = packages_of_layer(layer)
        if not packages:
            continue
        files, lists = _read(layer)
        for package, items in _shared_out(packages, files, lists):
            found[package.prefix, package.url] = tuple(sorted(items, key=lambda item: item.path))
    return found


def _read(layer: Layer) -> tuple[dict[str, FileItem], dict[str, bytes]]:
    """Return the regular files of a layer by their paths, and the contents of those that list others."""
    files: dict[str, FileItem] = {}
    lists: dict[str, bytes] = {}
    for entry, content in layer.entries():
        if entry.type is EntryType.FILE:
            keep = is_list(entry.path) and entry.size <= _LARGEST_LIST
            files[entry.path], data = _digested(entry.path, content, keep=keep)
            if keep:
                lists[entry.path] = data
        elif entry.type is EntryType.HARDLINK and entry.link_target in files:
            target = files[entry.link_target]
            files[entry.path] = FileItem(entry.path, target.sha256, target.sha1)
    return files, lists


def is_list(path: str) -> bool:
    """Return whether a file is one that lists the files of a package: see `listed_paths`."""
    return path.endswith(".dist-info/RECORD") or (path.endswith(".json") and "/conda-meta/" in path)


def _digested(path: str, content: BinaryIO, *, keep: bool) -> tuple[FileItem, bytes]:
    sha256, sha1 = hashlib.sha256(), hashlib.sha1(usedforsecurity=False)  # SPDX wants both
    pieces = []
    while piece := content.read(_READ_SIZE):
        sha256.update(piece)
        sha1.update(piece)
        if keep:
            pieces.append(piece)
    return FileItem(path, sha256.hexdigest(), sha1.hexdigest()), b"".join(pieces)


def _shared_out(
    packages: Sequence[InstalledPackage], files: Mapping[str, FileItem], lists: Mapping[str, bytes]
) -> Iterator[tuple[InstalledPackage, Iterable[FileItem]]]:
    """Yield each package of a layer with its files."""
    if len(packages) == 1:
        yield packages[0], files.values()
        return
    for package in packages:
        paths: set[str] = set()
        for path, content in lists.items():
            paths |= _listed(package, path, content)
        yield package, [files[path] for path in paths & files.keys()]


def _listed(package: InstalledPackage, path: str, content: bytes) -> set[str]:
    """Return the paths in a list that are of a package; nothing for the list of another."""
    folder, name = posixpath.split(path)
    if package.is_wheel:
        info = posixpath.basename(folder).removesuffix(".dist-info").rpartition("-")[0]
        mine = name == "RECORD" and normalize_name(info) == normalize_name(package.name)
    else:
        mine = name == f"{package.name}-{package.version}-{package.build}.json"
    return listed_paths(path, content) if mine else set()


def listed_paths(path: str, content: bytes) -> set[str]:
    """Return the paths that the record of a package at `path` lists, relative to the root, its own among them.

    That is a file in `conda-meta`, or the `RECORD` of a wheel. Nothing for one that cannot be read.
    """
    folder = posixpath.dirname(path)
    try:
        if path.endswith("/RECORD"):
            rows = csv.reader(io.StringIO(content.decode("utf-8", "replace")))
            return {posixpath.normpath(posixpath.join(folder, "..", row[0])) for row in rows if row}
        root = posixpath.dirname(folder)
        return {path, *(f"{root}/{listed}" for listed in parse_loose_json(content)["files"])}
    except (ValueError, KeyError, TypeError, csv.Error, RecursionError):
        return set()
