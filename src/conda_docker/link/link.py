"""link_package: the entries of a package become the entries of a layer, as a conda client would install them."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack
from heapq import merge
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, cast

from conda_docker.errors import InvalidPackage
from conda_docker.link.bytecode.compiler import Compiler
from conda_docker.link.bytecode.modules import CompiledModules
from conda_docker.link.filter import KEEP_ALL, FileFilter
from conda_docker.link.noarch import entry_point_scripts
from conda_docker.link.pieces import HeldContents, PieceReader
from conda_docker.link.placeholder import replace_binary, replace_large_binary, replace_large_text, replace_text
from conda_docker.link.placement import Special, activation_scripts, is_program, link_scripts, move, place_files
from conda_docker.link.prefix import Prefix
from conda_docker.link.programs import HEAD_SIZE, needs_glibc
from conda_docker.link.record import InstalledPath, Observed, installed_file, prefix_record, record_path
from conda_docker.link.report import LinkReport
from conda_docker.package.archive import Content, Package, UnsurveyedPackage
from conda_docker.package.extracted import path_order
from conda_docker.package.metadata import FileMode, PathEntry, PathType, stated_origin
from python_docker.spec.digest import HashingReader
from python_docker.tar import EntryType, TarEntry

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedPackage

Linked = Iterator[tuple[TarEntry, Content]]

_SMALL = 1 << 20  # bytes up to which a record is one string
_IN_MEMORY = 8 << 20  # bytes up to which a file is rewritten in memory
_READ_SIZE = 1 << 20
_PIECE_SIZE = 1 << 16


def link_package(
    package: Package,
    record: LockedPackage,
    prefix: Prefix,
    *,
    filter: FileFilter = KEEP_ALL,
    compiler: Compiler | None = None,
    without: Collection[str] = (),
    moved: Mapping[str, str] | None = None,
) -> LinkedPackage:
    """Return the entries that installing `package` to `prefix` comes to, ready for `LayerWriter.add`.

    `record` is what `conda-meta` will say of it. `compiler` makes the `.pyc` files of a `noarch: python` package; None
    makes none. `without` are paths, relative to the prefix, that another package wins; `moved` are folders that are
    links in another package, with where these lead. Raises `InvalidPackage` here or while the entries are taken, and
    `ValueError` for a compiler of another version than the prefix's Python.
    """
    metadata = package.metadata
    found = (metadata.name.lower(), metadata.version, metadata.build)
    if found != (record.name.lower(), record.version, record.build):
        raise InvalidPackage(f"{package.what} is {metadata.stem}, not {record.stem}")
    if metadata.noarch != "python":
        compiler = None
    elif compiler is not None and compiler.minor_version != prefix.python_version:
        raise ValueError(f"{compiler!r} cannot compile for Python {prefix.python_version}")
    return LinkedPackage(package, record, prefix, filter, compiler, frozenset(without), moved or {})


class LinkedPackage:
    """Iterates once over the entries of a linked package with their contents; made by `link_package`.

    Files come in the package's own order, each `.pyc` file some way behind its source; then entry points, and the
    record at last. A content can be read until the next entry is asked for. `report` is complete at the end.

    `UnsurveyedPackage` means that the package must be surveyed and linked anew, and what was taken of it thrown away.
    """

    def __init__(
        self,
        package: Package,
        record: LockedPackage,
        prefix: Prefix,
        filter: FileFilter,
        compiler: Compiler | None,
        without: frozenset[str],
        moved: Mapping[str, str],
    ) -> None:
        self.report = LinkReport()
        self._package = package
        self._record = record
        self._prefix = prefix
        self._root = f"{prefix.root}/"
        self._filter = filter
        self._without = without
        self._moved = moved
        self._timestamp = package.metadata.timestamp
        self._placement = place_files(
            package, prefix, filter=filter, without=without, moved=moved, compiled=compiler is not None
        )
        self._modules = (
            CompiledModules(compiler, prefix, self._timestamp, filter.keeps) if compiler is not None else None
        )
        self._scripts: list[InstalledPath] = []
        self._wanted = package.hard_link_targets or frozenset()
        self._first_names: dict[str, str] = {}
        self._closing = ExitStack()
        self._held = HeldContents(self._closing)
        # What became of each file, by its path in the package: its mode is enough for one that was only copied.
        self._done: dict[str, int | Observed] = {}

    def __iter__(self) -> Linked:
        report, placement, done = self.report, self._placement, self._done
        places = list(placement.places())
        # Scripts are where clients look for them, though the folder may be a link.
        named = [place for place, _ in placement.recorded] if self._moved else places
        report.link_scripts = link_scripts(named, self._record.name)
        report.activate = activation_scripts(named)
        report.notes = self._package.metadata.notes
        report.stated = stated_origin(self._package.metadata.about)
        programs = set(filter(is_program, places)) if self._package.metadata.noarch is None else set()
        if self._modules is not None:
            self._modules.shipped = self._without.union(place for place in places if place.endswith(".pyc"))
        del places
        plain, wanted, root, paths = placement.plain, self._wanted, self._root, report.paths
        regular = EntryType.FILE
        with self._closing:
            for entry, content in self._package.members():
                path = entry.path
                place = plain.get(path)
                if place is None or entry.type is not regular or path in wanted:
                    yield from self._link_other(entry, content)
                    continue
                # The way of nearly all files: not looked into.
                if path in done:
                    raise self._twice(path)
                done[path] = mode = 0o755 if entry.mode & 0o100 else 0o644
                paths.append(place)
                if place in programs:
                    content = self._look_at(content)  # noqa: PLW2901
                yield TarEntry(root + place, regular, mode, entry.size, entry.mtime), content
        if len(done) < len(plain) + len(placement.special):
            missing = next(path for path in (*plain, *placement.special) if path not in done)
            raise InvalidPackage(f"{self._package.what} lists {missing[:200]!r}, which is not in it")
        if self._modules is not None:
            yield from self._modules.rest()
            report.uncompiled = self._modules.failed
            report.compiled = len(self._modules.rows)
            paths.extend(row.path for row in self._modules.rows)
        yield from self._entry_points()
        yield self._conda_meta()

    def _twice(self, path: str) -> UnsurveyedPackage:
        return UnsurveyedPackage(self._package, f"{path[:200]!r} is in it twice")

    def _link_other(self, entry: TarEntry, found: Content) -> Linked:
        """Link what is more than a file to be copied, or less."""
        path, kind = entry.path, entry.type
        content = io.BytesIO(found) if isinstance(found, bytes) else found
        if path in self._wanted and kind is EntryType.FILE:
            content = self._held.keep(entry, content)
        special = self._placement.special.get(path)
        if special is None:
            place = self._placement.plain.get(path)
            if place is None:
                if path in self._placement.trimmed and kind is not EntryType.DIRECTORY:
                    self.report.trimmed_files += 1
                    self.report.trimmed_bytes += entry.size
                return
            special = Special(place, PathEntry(path))
        if path in self._done:
            raise self._twice(path)
        self.report.paths.append(special.place)
        if kind is EntryType.HARDLINK:
            yield from self._link_hard(entry, special)
        elif kind is EntryType.SYMLINK:
            yield self._link_symbolic(path, special.place, entry.link_target)
        elif kind is EntryType.DIRECTORY:
            self._done[path] = Observed(0o755, path_type=PathType.DIRECTORY)
            yield TarEntry(self._root + special.place, EntryType.DIRECTORY, 0o755, 0, self._timestamp), b""
        else:
            if self._package.metadata.noarch is None and is_program(special.place):
                content = cast("BinaryIO", self._look_at(content))
            yield from self._link_file(entry, content, special)

    def _look_at(self, content: Content) -> Content:
        """Note whether a program needs glibc's loader; return its content, of which nothing has been read."""
        if isinstance(content, bytes):
            self.report.programs = self.report.programs or needs_glibc(content[:HEAD_SIZE])
            return content
        head = content.read(HEAD_SIZE)
        self.report.programs = self.report.programs or needs_glibc(head)
        return PieceReader(chain((head,), iter(lambda: content.read(_PIECE_SIZE), b"")))

    def _link_symbolic(self, path: str, place: str, target: str) -> tuple[TarEntry, Content]:
        text = target.encode("utf-8", "surrogateescape")
        self._done[path] = Observed(0o777, hashlib.sha256(text).hexdigest(), len(text), PathType.SOFTLINK, target)
        # conda does not keep the time of a link when it extracts a package, so it cannot matter here.
        return TarEntry(self._root + place, EntryType.SYMLINK, 0o777, 0, self._timestamp, target), b""

    def _link_hard(self, entry: TarEntry, special: Special) -> Linked:
        """Yield a second name of a file: still one where both are linked in the same way, else a file of its own."""
        path, target = entry.path, entry.link_target
        done = self._done.get(target)
        earlier = self._placement.special.get(target)
        if done is not None and not (special.source or special.variables):
            if isinstance(done, Observed) and done.link is not None:
                yield self._link_symbolic(path, special.place, done.link)
                return
            if special.rewriting == (earlier.rewriting if earlier is not None else ()):
                mode = done if isinstance(done, int) else done.mode
                if isinstance(done, int) and path in self._placement.special:
                    manifest = next(item for item in self._package.metadata.paths if item.path == target)
                    done = Observed(mode, manifest.sha256, manifest.size)
                self._done[path] = done
                # Of several names all are links to the first one.
                place = self._first_names.get(target)
                if place is None:
                    place = earlier.place if earlier is not None else self._placement.plain[target]
                self._first_names[path] = place
                # Extracting gives the file its link's time.
                mtime = self._time(entry, special)
                yield (
                    TarEntry(self._root + special.place, EntryType.HARDLINK, mode, 0, mtime, self._root + place),
                    b"",
                )
                return
        held = self._held.get(target)
        if held is None:
            reason = f"the hard link {path[:200]!r} needs the content of {target[:200]!r}"
            if self._package.hard_link_targets is None:
                raise UnsurveyedPackage(self._package, reason)
            raise InvalidPackage(f"{self._package.what}: {reason}, which does not come before it")
        original, kept = held
        yield from self._link_file(original._replace(path=path), kept, special)

    def _link_file(self, entry: TarEntry, content: BinaryIO, special: Special) -> Linked:
        """Yield a file that may be rewritten, and whose digest and size are recorded."""
        mode = 0o755 if entry.mode & 0o100 else 0o644
        size, mtime = entry.size, self._time(entry, special)
        placeholder, file_mode = special.entry.placeholder, special.entry.file_mode
        if size <= _IN_MEMORY:
            data = content.read()
            if placeholder and file_mode is FileMode.TEXT:
                data = replace_text(data, placeholder, self._prefix.path)
            elif placeholder:
                data = replace_binary(data, placeholder, self._prefix.path, self._named(entry))
            self._done[entry.path] = Observed(mode, hashlib.sha256(data).hexdigest(), len(data))
            yield TarEntry(self._root + special.place, EntryType.FILE, mode, len(data), mtime), data
            if special.variables:
                self.report.read_variables(special.place, data)
            if special.source and self._modules is not None:
                yield from self._modules.add(special.place, data)
            return
        if placeholder and file_mode is FileMode.TEXT:
            content, size = replace_large_text(content, placeholder, self._prefix.path)
            self._closing.callback(content.close)
        elif placeholder:
            content = replace_large_binary(content, placeholder, self._prefix.path, self._named(entry))
        reader = HashingReader(content)
        yield TarEntry(self._root + special.place, EntryType.FILE, mode, size, mtime), cast("BinaryIO", reader)
        while reader.read(_READ_SIZE):
            pass
        content.close()
        self._done[entry.path] = Observed(mode, reader.digest.encoded, reader.size)
        if special.source and self._modules is not None:
            self._modules.failed[special.place] = f"it has {size} bytes"

    def _time(self, entry: TarEntry, special: Special) -> int:
        """When a file was changed: as in the archive, unless it is rewritten."""
        if not special.entry.placeholder:
            return entry.mtime
        # A .pyc file of the package, made from what the file was before, must not look valid.
        return self._timestamp + (self._timestamp == entry.mtime)

    def _named(self, entry: TarEntry) -> str:
        return f"{self._package.what}: {entry.path}"

    def _entry_points(self) -> Linked:
        scripts = entry_point_scripts(self._package.metadata.entry_points, self._prefix, self._filter.keeps)
        for row, script in scripts:
            self._scripts.append(row)
            place = move(row.path, self._moved)
            if place not in self._without:
                self.report.paths.append(place)
                yield TarEntry(self._root + place, mode=0o755, size=len(script), mtime=self._timestamp), script

    def _conda_meta(self) -> tuple[TarEntry, Content]:
        """Return the record of the package."""
        made = [*self._scripts, *(self._modules.rows if self._modules is not None else ())]
        made.sort(key=lambda row: path_order(row.path))
        done = self._done
        recorded = (
            installed_file(place, entry, observed if isinstance(observed := done.get(entry.path), Observed) else None)
            for place, entry in self._placement.recorded
        )
        rows = merge(recorded, made, key=lambda row: path_order(row.path)) if made else recorded
        pieces = prefix_record(self._record, rows)
        size = sum(map(len, pieces))
        record = self._record
        place = record_path(record.name, record.version, record.build)
        self.report.paths.append(place)
        content = b"".join(pieces) if size <= _SMALL else PieceReader(pieces)
        return TarEntry(self._root + place, size=size, mtime=self._timestamp), content
