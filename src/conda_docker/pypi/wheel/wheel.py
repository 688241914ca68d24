"""link_wheel: the members of a wheel become the entries of a layer, as `uv pip install` would install them.

INSTALLER says `uv`: scripts, RECORD and metadata are byte for byte what uv writes, and both uv and pip can upgrade and
remove such a distribution.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, BinaryIO

from conda_docker.errors import InvalidPackage
from conda_docker.link.bytecode.compiler import Compiler
from conda_docker.link.bytecode.modules import CompiledModules, pyc_path
from conda_docker.link.filter import KEEP_ALL, FileFilter
from conda_docker.link.placement import activation_scripts, move
from conda_docker.link.prefix import Prefix
from conda_docker.link.report import LinkReport
from conda_docker.link.shebang import python_shebang
from conda_docker.package.entry_points import EntryPoint
from conda_docker.pypi.wheel.archive import Wheel, WheelReader
from conda_docker.pypi.wheel.license import stated_license
from conda_docker.pypi.wheel.placement import PlacedMember, WheelPlacement, place_wheel
from conda_docker.pypi.wheel.record import (
    CheckedContent,
    ExpectedHash,
    RecordedFile,
    hashed,
    hex_digest,
    matches,
    read_record,
    record_hash,
    write_record,
)
from python_docker.tar import TarEntry

if TYPE_CHECKING:
    from conda_docker.environment.packages.wheels import LockedWheel

Content = bytes | BinaryIO
Linked = Iterator[tuple[TarEntry, Content]]

_IN_MEMORY = 8 << 20  # bytes up to which a member is read at once
_READ_SIZE = 1 << 20
_VARIABLES = "etc/conda/env_vars.d/"
_PLACEHOLDER = b"#!python"
_INTERPRETER = re.compile(rb"#!python[^\r\n]*(?:\r\n|\r|\n|\Z)")  # a first line that installers replace (PEP 427)

_SCRIPT = """\
{shebang}
# -*- coding: utf-8 -*-
import sys
from {module} import {imported}
if __name__ == "__main__":
    if sys.argv[0].endswith("-script.pyw"):
        sys.argv[0] = sys.argv[0][:-11]
    elif sys.argv[0].endswith(".exe"):
        sys.argv[0] = sys.argv[0][:-4]
    sys.exit({function}())
"""


def link_wheel(
    wheel: Wheel,
    locked: LockedWheel,
    prefix: Prefix,
    *,
    filter: FileFilter = KEEP_ALL,
    compiler: Compiler | None = None,
    without: Collection[str] = (),
    moved: Mapping[str, str] | None = None,
) -> LinkedWheel:
    """Return the entries that installing `wheel` to `prefix` comes to, ready for `LayerWriter.add`.

    `locked` says whether the user asked for it and where it is from. `compiler` makes `.pyc` files as for `noarch:
    python` packages; None makes none. `without` are paths, relative to the prefix, that another package wins; `moved`
    are folders that are links in another package, with where these lead. Raises `InvalidPackage` here or while the
    entries are taken, and `ValueError` for a compiler of another version than the prefix's Python.
    """
    if compiler is not None and compiler.minor_version != prefix.python_version:
        raise ValueError(f"{compiler!r} cannot compile for Python {prefix.python_version}")
    return LinkedWheel(wheel, locked, prefix, filter, compiler, frozenset(without), moved or {})


def installed_wheel_paths(
    wheel: Wheel,
    locked: LockedWheel,
    prefix: Prefix,
    *,
    filter: FileFilter = KEEP_ALL,
    tag: str | None = None,
    moved: Mapping[str, str] | None = None,
) -> list[str]:
    """Return the paths of the files that linking `wheel` brings, relative to the prefix and sorted.

    Those of `.pyc` files are among them with the `tag` that they are named by, though a module may turn out not to
    compile. Reads no member but metadata. Raises `InvalidPackage`.
    """
    with wheel.reading() as reader:
        placement = place_wheel(wheel, reader, prefix, filter=filter)
    paths = {*placement.places(), f"{placement.dist_info}/RECORD"}
    paths.update(f"{placement.dist_info}/{name}" for name in _own_metadata(locked))
    if tag is not None:
        modules = (place for place in placement.places() if is_module(place, placement.site_packages))
        paths.update(pyc for module in modules if filter.keeps(pyc := pyc_path(module, tag)))
    return sorted({move(path, moved or {}) for path in paths})


def installed_wheel_digests(wheel: Wheel, prefix: Prefix, moved: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the SHA-256 of files that linking `wheel` brings, by path, relative to the prefix.

    Only of members that are copied as its RECORD states them. Reads no member but metadata. Raises `InvalidPackage`.
    """
    with wheel.reading() as reader:
        placement = place_wheel(wheel, reader, prefix, filter=KEEP_ALL)
        expected = read_record(reader.metadata("RECORD"), wheel.what)
    return {
        move(placed.place, moved or {}): digest
        for placed in placement.members
        if not placed.script and (digest := hex_digest(expected.get(placed.member.path))) is not None
    }


def is_module(place: str, site_packages: str) -> bool:
    """Return whether the file at `place` is a module that is compiled."""
    return place.endswith(".py") and place.startswith(f"{site_packages}/")


class LinkedWheel:
    """Iterates once over the entries of a linked wheel with their contents; made by `link_wheel`.

    Files come in the wheel's own order, each `.pyc` file some way behind its source; then entry points, and the
    metadata of the installation at last. A content can be read until the next entry is asked for. `report` is complete
    at the end.
    """

    def __init__(
        self,
        wheel: Wheel,
        locked: LockedWheel,
        prefix: Prefix,
        filter: FileFilter,
        compiler: Compiler | None,
        without: frozenset[str],
        moved: Mapping[str, str],
    ) -> None:
        self.report = LinkReport()
        self._wheel = wheel
        self._locked = locked
        self._prefix = prefix
        self._root = f"{prefix.root}/"
        self._filter = filter
        self._without = without
        self._moved = moved
        self._mtime = wheel.mtime
        self._python = f"{prefix.path}/bin/python"
        self._modules = CompiledModules(compiler, prefix, self._mtime, filter.keeps) if compiler is not None else None
        self._rows: list[RecordedFile] = []

    def __iter__(self) -> Linked:
        report = self.report
        with self._wheel.reading() as reader:
            placement = place_wheel(self._wheel, reader, self._prefix, filter=self._filter)
            expected = read_record(reader.metadata("RECORD"), self._wheel.what)
            places = list(placement.places())
            report.activate = activation_scripts(places)
            report.notes = placement.notes
            license_ = stated_license(reader.metadata("METADATA"))
            report.stated = {} if license_ is None else {"license": license_}
            report.trimmed_files = len(placement.trimmed)
            report.trimmed_bytes = sum(member.size for member in placement.trimmed)
            if self._modules is not None:
                self._modules.shipped = self._without.union(place for place in places if place.endswith(".pyc"))
            for placed in placement.members:
                yield from self._member(reader, placed, placement, expected.get(placed.member.path))
        if self._modules is not None:
            yield from self._compiled(self._modules.rest())
            report.uncompiled = self._modules.failed
            report.compiled = len(self._modules.rows)
            self._rows += [RecordedFile(row.path) for row in self._modules.rows]
        for place, point in placement.entry_points.items():
            yield from self._made(place, entry_point_script(point, self._python), 0o755)
        for name, content in _own_metadata(self._locked).items():
            yield from self._made(f"{placement.dist_info}/{name}", content)
        record = f"{placement.dist_info}/RECORD"
        yield from self._made(record, write_record(self._rows, placement.site_packages, record))

    def _member(
        self, reader: WheelReader, placed: PlacedMember, placement: WheelPlacement, expected: ExpectedHash | None
    ) -> Linked:
        """Give a member, and what is compiled by now."""
        place = placed.place
        is_source = self._modules is not None and is_module(place, placement.site_packages)
        if placed.member.size > _IN_MEMORY:
            yield from self._large_member(reader, placed, expected)
            if is_source and self._modules is not None:
                self._modules.failed[place] = f"it has {placed.member.size} bytes"
            return
        data = reader.read(placed.member)
        digest = hashlib.sha256(data).digest()
        if expected is not None:
            same = expected.algorithm == "sha256"
            self._check(expected, digest if same else hashlib.new(expected.algorithm, data).digest(), place)
        if placed.script and data.startswith(_PLACEHOLDER):
            data = _with_interpreter(data, self._python)
            digest = hashlib.sha256(data).digest()
        self._rows.append(RecordedFile(place, record_hash(digest), len(data)))
        real = move(place, self._moved)
        if real in self._without:
            return
        self.report.paths.append(real)
        yield self._entry(placed, real, len(data)), data
        if place.startswith(_VARIABLES):
            self.report.read_variables(place, data)
        if is_source and self._modules is not None:
            yield from self._compiled(self._modules.add(place, data))

    def _large_member(self, reader: WheelReader, placed: PlacedMember, expected: ExpectedHash | None) -> Linked:
        """Give a member that is not held in memory."""
        member, place = placed.member, placed.place
        with CheckedContent(reader.open(member), expected) as content:
            if placed.script and content.peek().startswith(_PLACEHOLDER):
                raise InvalidPackage(f"{self._wheel.what}: the script {place[:200]!r} has {member.size} bytes")
            real = move(place, self._moved)
            if real not in self._without:
                self.report.paths.append(real)
                yield self._entry(placed, real, member.size), content
            while content.read(_READ_SIZE):
                pass
            self._check(expected, content.expected_digest(), place)
            self._rows.append(RecordedFile(place, record_hash(content.digest()), member.size))

    def _entry(self, placed: PlacedMember, real: str, size: int) -> TarEntry:
        mode = 0o755 if placed.executable else 0o644
        return TarEntry(self._root + real, mode=mode, size=size, mtime=placed.member.mtime)

    def _check(self, expected: ExpectedHash | None, digest: bytes, place: str) -> None:
        if expected is not None and not matches(expected, digest):
            raise InvalidPackage(f"{self._wheel.what}: {place[:200]!r} is not what its RECORD describes")

    def _compiled(self, entries: Iterator[tuple[TarEntry, bytes]]) -> Linked:
        for entry, content in entries:
            real = move(entry.path.removeprefix(self._root), self._moved)
            if real not in self._without:
                self.report.paths.append(real)
                yield entry._replace(path=self._root + real), content

    def _made(self, place: str, content: bytes, mode: int = 0o644) -> Linked:
        """Give a file that the wheel does not hold."""
        self._rows.append(RecordedFile(place, hashed(content), len(content)))
        real = move(place, self._moved)
        if real not in self._without:
            self.report.paths.append(real)
            yield TarEntry(self._root + real, mode=mode, size=len(content), mtime=self._mtime), content


def entry_point_script(point: EntryPoint, python: str) -> bytes:
    """Return the script of a wheel's entry point, as uv writes it.

    >>> entry_point_script(EntryPoint("black", "black", "patched_main"), "/opt/conda/bin/python").splitlines()[-1]
    b'    sys.exit(patched_main())'
    """
    script = _SCRIPT.format(
        shebang=python_shebang(python),
        module=point.module,
        imported=point.function.partition(".")[0],
        function=point.function,
    )
    return script.encode()


def _with_interpreter(script: bytes, python: str) -> bytes:
    """Return a script that starts with `#!python` with a first line that names the image's interpreter (PEP 427)."""
    return python_shebang(python).encode() + b"\n" + _INTERPRETER.sub(b"", script, count=1)


def _own_metadata(locked: LockedWheel) -> dict[str, bytes]:
    """Return what an installer adds to the folder of metadata, by name, but RECORD."""
    files = {"INSTALLER": b"uv"}
    if locked.requested:
        files["REQUESTED"] = b""
    if locked.direct:
        files["direct_url.json"] = direct_url(locked)
    return files


def direct_url(locked: LockedWheel) -> bytes:
    """Return the content of `direct_url.json` (PEP 610) for a wheel that was asked for by its URL or path.

    A local wheel is named without its folder, which is the builder's and nothing that an image should reveal.
    """
    local = locked.url.startswith("file:")
    document = {
        "url": f"file:///{locked.file_name}" if local else locked.public_url,
        "archive_info": {"hashes": {"sha256": locked.sha256}} if locked.sha256 else {},
    }
    return json.dumps(document, separators=(",", ":")).encode()
