"""link_package: the entries of a package become the entries of a layer, as a conda client would install them."""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from heapq import merge
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from conda_docker.errors import InvalidPackage
from conda_docker.link.bytecode import Compiler
from conda_docker.link.compiled_modules import CompiledModules
from conda_docker.link.filter import KEEP_ALL, FileFilter
from conda_docker.link.noarch import entry_point_script
from conda_docker.link.placeholder import BinaryReplacer, replace_binary, replace_large_text, replace_text
from conda_docker.link.placement import Placement, Special, activation_scripts, link_scripts, place_files
from conda_docker.link.prefix import Prefix
from conda_docker.link.record import InstalledPath, prefix_record
from conda_docker.package.archive import Package, UnsurveyedPackage
from conda_docker.package.extracted import path_order
from conda_docker.package.metadata import FileMode, PathEntry, PathType
from python_docker.digest import HashingReader
from python_docker.tar import EntryType, TarEntry

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedPackage

Content = bytes | BinaryIO

_SMALL = 1 << 20  # bytes up to which a content that is only copied is taken in one piece
_REWRITTEN = 8 << 20  # bytes up to which a file is rewritten in memory
_READ_SIZE = 1 << 20


@dataclass(slots=True)
class LinkReport:
    """What was seen while a package was linked; complete when all its entries have been taken.

    Paths are relative to the prefix. `paths` are those of all files and links in the layer; `trimmed_files` and
    `trimmed_bytes` count what the filter left out. `link_scripts` are scripts that clients run on linking; they are in
    the image and were not run. `activate` are activation scripts, and `variables` holds the variables of each file in
    `etc/conda/env_vars.d` by its name. `uncompiled` maps modules to the reason why they have no `.pyc` file.
    """

    paths: list[str] = field(default_factory=list)
    trimmed_files: int = 0
    trimmed_bytes: int = 0
    link_scripts: tuple[str, ...] = ()
    activate: tuple[str, ...] = ()
    variables: dict[str, dict[str, str]] = field(default_factory=dict)
    compiled: int = 0
    uncompiled: dict[str, str] = field(default_factory=dict)

    @property
    def post_link(self) -> bool:
        """Whether the package has a post-link script."""
        return any(script.endswith("-post-link.sh") for script in self.link_scripts)


def link_package(
    package: Package,
    record: LockedPackage,
    prefix: Prefix,
    *,
    filter: FileFilter = KEEP_ALL,
    compiler: Compiler | None = None,
    without: Collection[str] = (),
) -> LinkedPackage:
    """The entries that installing `package` to `prefix` comes to, ready for `LayerWriter.add`.

    `record` is what `conda-meta` shall say of it. `compiler` makes the `.pyc` files of a `noarch: python` package; None
    makes none. `without` are paths, relative to the prefix, that another package wins. Raises `InvalidPackage` here or
    while the entries are taken, and `ValueError` for a compiler of another version than the prefix's Python.
    """
    return LinkedPackage(package, record, prefix, filter, compiler, frozenset(without))


def installed_paths(package: Package, prefix: Prefix, *, filter: FileFilter = KEEP_ALL) -> list[str]:
    """The paths of the files that linking `package` brings, `.pyc` files aside, relative to the prefix and sorted.

    Reads no payload. Raises `InvalidPackage`.
    """
    places = set(place_files(package, prefix, filter=filter).places())
    places.update(f"bin/{point.command}" for point in package.metadata.entry_points)
    return sorted(filter_ for filter_ in places if filter.keeps(filter_))


class _Linked(NamedTuple):
    """What became of a file that was looked into: what to record of it, and its mode."""

    mode: int
    sha256: str | None
    size: int | None
    path_type: str
    rewriting: tuple[object, ...] = ()


class LinkedPackage:
    """The entries of a linked package with their contents; made by `link_package`.

    Files come in the package's own order, each `.pyc` file some way behind its source; then entry points, and the
    record at last. A content can be read until the next entry is asked for. Iterating again links again.

    `UnsurveyedPackage`, while iterating, means that the package must be surveyed and linked anew, and what was taken of it
    so far thrown away.
    """

    def __init__(
        self,
        package: Package,
        record: LockedPackage,
        prefix: Prefix,
        filter: FileFilter,
        compiler: Compiler | None,
        without: frozenset[str],
    ) -> None:
        metadata = package.metadata
        found = (metadata.name.lower(), metadata.version, metadata.build)
        if found != (record.name.lower(), record.version, record.build):
            raise InvalidPackage(f"{package.what} is {metadata.stem}, not {record.stem}")
        if metadata.noarch != "python":
            compiler = None
        elif compiler is not None and compiler.minor_version != prefix.python_version:
            raise ValueError(f"{compiler!r} cannot compile for Python {prefix.python_version}")
        self.report = LinkReport()
        self._package = package
        self._record = record
        self._prefix = prefix
        self._filter = filter
        self._compiler = compiler
        self._without = without
