"""link_package: the entries of a package become the entries of a layer, as a conda client would install them."""

from __future__ import annotations

import hashlib
import json
import posixpath
import tempfile
from collections import deque
from collections.abc import Collection, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from conda_docker.errors import InvalidPackage
from conda_docker.link.bytecode import Compiler, DoesNotCompile
from conda_docker.link.filter import KEEP_ALL, FileFilter
from conda_docker.link.noarch import entry_point_script, installed_path, site_packages_of
from conda_docker.link.placeholder import BinaryReplacer, replace_binary, replace_large_text, replace_text
from conda_docker.link.record import InstalledPath, prefix_record
from conda_docker.package.archive import Package, UnsurveyedPackage
from conda_docker.package.extracted import path_order
from conda_docker.package.metadata import FileMode, PathEntry, PathType
from python_docker.digest import HashingReader
from python_docker.tar import EntryType, TarEntry

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedPackage
    from conda_docker.link.prefix import Prefix

Content = bytes | BinaryIO

_SMALL = 1 << 20  # bytes up to which a content is held in memory
_REWRITTEN_SMALL = 8 << 20
_MAX_SOURCE = 8 << 20  # of a module that is compiled; larger ones are tables that would take gigabytes to compile
_COMPILING_BYTES = 2 << 20  # of sources whose .pyc are not written yet
_COMPILING_MODULES = 128
_READ_SIZE = 1 << 20


@dataclass(slots=True)
class LinkReport:
    """What was seen while a package was linked; complete when all its entries have been taken.

    Paths are relative to the prefix. `paths` are those of all files and links in the layer; `trimmed_files` and
    `trimmed_bytes` count what the filter left out. `link_scripts` are the scripts that clients would run on linking;
    they are in the image and were not run. `activate` are activation scripts, and `variables` holds the variables of
    each file in `etc/conda/env_vars.d` by its name. `uncompiled` maps modules to the reason why they have no `.pyc` file.
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


class _Target(NamedTuple):
    """Where a file goes; `path` relative to the image's root, `place` to the prefix."""

    path: str
    place: str
    entry: PathEntry
    patched: bool = False
    measured: bool = False
    source: bool = False
    variables: bool = False

    @property
    def replacement(self) -> tuple[str, FileMode] | None:
        """What tells whether two names of the same file are still the same file when they are linked."""
        entry = self.entry
        return (entry.placeholder or "", entry.file_mode or FileMode.TEXT) if self.patched else None


class _Linked(NamedTuple):
    """What became of a file."""

    target: _Target
    mode: int
    sha256: str | None = None
    size: int | None = None
    path_type: str | None = None


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

    `record` is what `conda-meta` shall say of it. `compiler` makes `.pyc` files for a `noarch: python` package. `without`
    are paths, relative to the prefix, that another package wins; the record lists them all the same, as conda's does.
    Raises `InvalidPackage` here or while the entries are taken.
    """
    return LinkedPackage(package, record, prefix, filter, compiler, frozenset(without))


def installed_paths(package: Package, prefix: Prefix, *, filter: FileFilter = KEEP_ALL) -> list[str]:
    """Where the files of `package` go, relative to `prefix`, without what is made on linking but entry points."""
    site_packages = site_packages_of(package.metadata, prefix)
    places = [
        entry.path if site_packages is None else installed_path(entry.path, site_packages)
        for entry in package.metadata.paths
    ]
    scripts = [f"bin/{point.command}" for point in package.metadata.entry_points]
    return sorted({place for place in (*places, *scripts) if filter.keeps(place)}, key=path_order)


class LinkedPackage:
    """The entries of a linked package with their contents; see `link_package`.

    Iterating again links again. Files come in the package's own order, then entry points, then the record; a `.pyc` file
    comes some files after its source. A content can be read until the next entry is asked for. `UnsurveyedPackage` means
    that the package must be surveyed, and everything that was taken of it thrown away.
    """

    def __init__(
        self,
        package: Package,
        record: LockedPackage,
        prefix: Prefix,
        file_filter: FileFilter,
        compiler: Compiler | None,
        without: frozenset[str],
    ) -> None:
        metadata = package.metadata
        if (record.name.lower(), record.version, record.build) != (
            metadata.name.lower(),
            metadata.version,
            metadata.build,
        ):
            raise InvalidPackage(f"{package.what} is {metadata.stem}, not {record.stem}")
        self.report = LinkReport()
        self._package = package
        self._record = record
        self._prefix = prefix
        self._filter = file_filter
        self._without = without
        self._site_packages = site_packages_of(metadata, prefix)
        self._compiler = compiler if self._site_packages is not None else None
        if compiler is not None and self._compiler is not None and compiler.minor_version != prefix.python_version:
            raise ValueError(f"{compiler!r} cannot compile for Python {prefix.python_version}")

    def __iter__(self) -> Iterator[tuple[TarEntry, Content]]:
        self.report = LinkReport()
        targets = self._targets()
        self._find_scripts(targets)
        linked: dict[str, _Linked] = {}
        modules = _Modules(self._compiler, self._prefix, self._package.metadata.timestamp, self.report)
        held: dict[str, tuple[TarEntry, BinaryIO]] = {}
        hold = self._package.hard_link_targets or frozenset()
        paths = self.report.paths
        regular, hard_link = EntryType.FILE, EntryType.HARDLINK

        for entry, content in self._package.entries():
            path = entry.path
            target = targets.get(path)
            if path in hold and entry.type is regular:
                content = _spooled(content)  # noqa: PLW2901
                held[path] = entry, content
            if target is None:
                self._count_trimmed(entry)
                continue
            if path in linked:
                raise UnsurveyedPackage(self._package, f"{path!r} is in it twice")
            if entry.type is regular and not (target.patched or target.measured):
                # The way of nearly all files: nothing is looked into.
                mode = 0o755 if entry.mode & 0o100 else 0o644
                linked[path] = _Linked(target, mode)
                paths.append(target.place)
                size = entry.size
                yield (
                    TarEntry(target.path, regular, mode, size, entry.mtime),
                    content.read() if size <= _SMALL else content,
                )
                continue
            if entry.type is hard_link:
                earlier = linked.get(entry.link_target)
                if (
                    earlier is not None
                    and earlier.target.replacement == target.replacement
                    and not (target.source or target.variables)
                ):
                    linked[path] = earlier._replace(target=target)
                    paths.append(target.place)
                    yield TarEntry(target.path, hard_link, earlier.mode, 0, entry.mtime, earlier.target.path), b""
                    continue
                entry, content = self._held(entry, held)  # noqa: PLW2901
            yield from self._link(entry, content, target, linked, modules)
        missing = next((path for path in targets if path not in linked), None)
        if missing is not None:
            raise InvalidPackage(f"{self._package.what} lists {missing[:200]!r}, which is not in it")
        yield from modules.rest()
        yield from self._made(linked, modules)

    def _targets(self) -> dict[str, _Target]:
        """Where each file of the package goes, by its path in the package."""
        metadata = self._package.metadata
        root, site_packages = self._prefix.root, self._site_packages
        keeps = self._filter.keeps
        lost = self._without | {f"bin/{point.command}" for point in metadata.entry_points}
        targets: dict[str, _Target] = {}
        owners: dict[str, str] = {}
        for entry in metadata.paths:
            path = place = entry.path
            if site_packages is not None:
                place = installed_path(path, site_packages)
                earlier = owners.setdefault(place, path)
                if earlier != path:
                    targets.pop(earlier, None)
                    owners[place] = path
            if place in lost or not keeps(place):
                continue
            patched = bool(entry.placeholder)
            target = _Target(
                f"{root}/{place}", place, entry, patched, patched or entry.sha256 is None or entry.size is None
            )
            if site_packages is not None and path.startswith("site-packages/") and path.endswith(".py"):
                if self._compiler is not None:
                    target = target._replace(source=True, measured=True)
            elif place.startswith("etc/conda/env_vars.d/"):
                target = target._replace(variables=True, measured=True)
            targets[path] = target
        self._check_nesting(targets)
        return targets

    def _check_nesting(self, targets: dict[str, _Target]) -> None:
        """Refuse a package in which a file lies below another file."""
        files = {target.place for target in targets.values() if target.entry.type is not PathType.DIRECTORY}
        folders = {posixpath.dirname(place) for place in files}
        while folders:
            wrong = next(iter(folders & files), None)
            if wrong is not None:
                raise InvalidPackage(f"{self._package.what} has {wrong[:200]!r} both as a file and as a folder")
            folders = {posixpath.dirname(folder) for folder in folders} - folders

    def _find_scripts(self, targets: dict[str, _Target]) -> None:
        name = self._record.name
        scripts = {f"bin/.{name}-{kind}.sh" for kind in ("pre-link", "post-link", "pre-unlink", "post-unlink")}
        places = [target.place for target in targets.values()]
        self.report.link_scripts = tuple(sorted(scripts.intersection(places)))
        self.report.activate = tuple(
            sorted(
                place
                for place in places
                if place.startswith("etc/conda/activate.d/") and place.endswith(".sh") and place.count("/") == 3
            )
        )

    def _count_trimmed(self, entry: TarEntry) -> None:
        place = entry.path if self._site_packages is None else installed_path(entry.path, self._site_packages)
        if entry.type is not EntryType.DIRECTORY and not self._filter.keeps(place):
            self.report.trimmed_files += 1
            self.report.trimmed_bytes += entry.size

    def _held(self, entry: TarEntry, held: dict[str, tuple[TarEntry, BinaryIO]]) -> tuple[TarEntry, BinaryIO]:
        """A hard link as a file of its own, with the content of its target."""
        found = held.get(entry.link_target)
        if found is None:
            reason = f"the hard link {entry.path!r} needs the content of {entry.link_target!r}"
            if self._package.hard_link_targets is None:
                raise UnsurveyedPackage(self._package, reason)
            raise InvalidPackage(f"{self._package.what}: {reason}, which does not come before it")
        target, content = found
        content.seek(0)
        return target._replace(path=entry.path), content

    def _link(
        self, entry: TarEntry, content: BinaryIO, target: _Target, linked: dict[str, _Linked], modules: _Modules
    ) -> Iterator[tuple[TarEntry, Content]]:
        """Link what is not just copied."""
        path = entry.path
        self.report.paths.append(target.place)
        if entry.type is EntryType.SYMLINK:
            text = entry.link_target.encode("utf-8", "surrogateescape")
            linked[path] = _Linked(target, 0o777, hashlib.sha256(text).hexdigest(), len(text), "softlink")
            yield TarEntry(target.path, EntryType.SYMLINK, 0o777, 0, entry.mtime, entry.link_target), b""
            return
        if entry.type is EntryType.DIRECTORY:
            linked[path] = _Linked(target, 0o755, path_type="directory")
            yield TarEntry(target.path, EntryType.DIRECTORY, 0o755, 0, entry.mtime), b""
            return
        mode = 0o755 if entry.mode & 0o100 else 0o644
        mtime = entry.mtime
        size = entry.size
        if target.patched:
            mtime = self._package.metadata.timestamp
            # A .pyc file of the same package, made before the replacement, must not look valid.
            mtime += mtime == entry.mtime
        if size <= _REWRITTEN_SMALL:
            data = content.read()
            if target.patched:
                data = self._replaced(data, target)
            linked[path] = _Linked(target, mode, hashlib.sha256(data).hexdigest(), len(data))
            yield TarEntry(target.path, EntryType.FILE, mode, len(data), mtime), data
            if target.source:
                yield from modules.add(target.place, data)
            elif target.variables:
                self._read_variables(target.place, data)
            return
        if target.source:
            self.report.uncompiled[target.place] = f"it has more than {_MAX_SOURCE} bytes"
        if target.patched:
            content, size = self._replaced_stream(content, size, target)
        reader = HashingReader(content)
        yield TarEntry(target.path, EntryType.FILE, mode, size, mtime), cast("BinaryIO", reader)
        while reader.read(_READ_SIZE):
            pass
        linked[path] = _Linked(target, mode, reader.digest.encoded, reader.size)

    def _replaced(self, data: bytes, target: _Target) -> bytes:
        placeholder, mode = target.replacement or ("", FileMode.TEXT)
        if mode is FileMode.TEXT:
            return replace_text(data, placeholder, self._prefix.path)
        return replace_binary(data, placeholder, self._prefix.path, f"{self._package.what}: {target.entry.path}")

    def _replaced_stream(self, content: BinaryIO, size: int, target: _Target) -> tuple[BinaryIO, int]:
        placeholder, mode = target.replacement or ("", FileMode.TEXT)
        if mode is FileMode.TEXT:
            return replace_large_text(content, placeholder, self._prefix.path)
        what = f"{self._package.what}: {target.entry.path}"
        return cast("BinaryIO", BinaryReplacer(content, placeholder, self._prefix.path, what)), size

    def _read_variables(self, place: str, data: bytes) -> None:
        """Note the variables of a file in `etc/conda/env_vars.d`; one that is no JSON object sets none."""
        try:
            variables = json.loads(data)
        except (ValueError, RecursionError):
            return
        if isinstance(variables, dict):
            self.report.variables[posixpath.basename(place)] = {
                name: str(value) for name, value in variables.items() if isinstance(value, str | int | float)
            }

    def _made(self, linked: dict[str, _Linked], modules: _Modules) -> Iterator[tuple[TarEntry, Content]]:
        """What is not in the package: entry points and the record."""
        metadata, root = self._package.metadata, self._prefix.root
        rows = [_row(item) for item in self._recorded(linked)] + modules.rows
        points = {f"bin/{point.command}": point for point in metadata.entry_points}
        for place, point in sorted(points.items()):
            if not self._filter.keeps(place):
                continue
            script = entry_point_script(point, self._prefix)
            digest = hashlib.sha256(script).hexdigest()
            rows.append(InstalledPath(place, "unix_python_entry_point", sha256=digest, size=len(script)))
            if place not in self._without:
                self.report.paths.append(place)
                yield TarEntry(f"{root}/{place}", mode=0o755, size=len(script), mtime=metadata.timestamp), script
        rows.sort(key=lambda row: path_order(row.path))
        record = prefix_record(self._record, rows)
        place = f"conda-meta/{self._record.name.lower()}-{self._record.version}-{self._record.build}.json"
        self.report.paths.append(place)
        yield TarEntry(f"{root}/{place}", size=len(record), mtime=metadata.timestamp), record

    def _recorded(self, linked: dict[str, _Linked]) -> Iterator[_Linked]:
        """What became of each path of the manifest, in its order, those included that another package wins."""
        for entry in self._package.metadata.paths:
            item = linked.get(entry.path)
            if item is not None:
                yield item
            else:
                path = entry.path
                place = path if self._site_packages is None else installed_path(path, self._site_packages)
                if place in self._without and self._filter.keeps(place):
                    yield _Linked(_Target("", place, entry), 0)


def _row(item: _Linked) -> InstalledPath:
    entry = item.target.entry
    sha256 = entry.sha256
    return InstalledPath(
        item.target.place,
        entry.type or item.path_type or "hardlink",
        entry.no_link,
        sha256,
        item.sha256 if item.sha256 != sha256 else None,
        entry.size if entry.size is not None and not item.target.patched else item.size,
        entry.file_mode,
        entry.placeholder,
    )


def _spooled(content: BinaryIO) -> BinaryIO:
    spool = tempfile.SpooledTemporaryFile(_SMALL)  # noqa: SIM115
    while data := content.read(_READ_SIZE):
        spool.write(data)
    spool.seek(0)
    return cast("BinaryIO", spool)


class _Modules:
    """The modules of a package that are being compiled; their `.pyc` files come out in the order they went in.

    So many modules are on their way at once as their sizes allow: a rule that knows nothing of time, so that the order of
    entries is the same on every machine.
    """

    def __init__(self, compiler: Compiler | None, prefix: Prefix, mtime: int, report: LinkReport) -> None:
        self._compiler = compiler
        self._prefix = prefix
        self._mtime = mtime
        self._report = report
        self._pending: deque[tuple[str, int, Future[bytes]]] = deque()
        self._bytes = 0
        self.rows: list[InstalledPath] = []

    def add(self, place: str, source: bytes) -> Iterator[tuple[TarEntry, Content]]:
        """Take in a module; give `.pyc` files of earlier ones."""
        if self._compiler is None:
            return
        self._pending.append((place, len(source), self._compiler.compile(source, f"{self._prefix.path}/{place}")))
        self._bytes += len(source)
        while self._bytes > _COMPILING_BYTES or len(self._pending) > _COMPILING_MODULES:
            yield from self._next(self._compiler)

    def rest(self) -> Iterator[tuple[TarEntry, Content]]:
        """Give the `.pyc` files that are left."""
        while self._compiler is not None and self._pending:
            yield from self._next(self._compiler)

    def _next(self, compiler: Compiler) -> Iterator[tuple[TarEntry, Content]]:
        place, size, future = self._pending.popleft()
        self._bytes -= size
        try:
            content = future.result()
        except DoesNotCompile as error:
            self._report.uncompiled[place] = str(error)
            return
        folder, name = posixpath.split(place)
        target = f"{folder}/__pycache__/{name[:-3]}.{compiler.tag}.pyc"
        self._report.compiled += 1
        self._report.paths.append(target)
        self.rows.append(InstalledPath(target, "pyc_file", size=len(content)))
        yield TarEntry(f"{self._prefix.root}/{target}", size=len(content), mtime=self._mtime), content
