"""open_package: one iterator of entries for `.conda` and `.tar.bz2` archives and for extracted folders.

The formats are those of CEP 35. What comes out is proved to stay inside the package: hostile names, links and devices
end in `InvalidPackage`.
"""

from __future__ import annotations

import io
import posixpath
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from conda_docker.errors import InvalidPackage
from conda_docker.package.conda_format import PackageFile, open_section
from conda_docker.package.extracted import extracted_members, read_extracted_info
from conda_docker.package.info_json import parse_info_json
from conda_docker.package.metadata import METADATA_FILES, PackageMetadata, parse_metadata
from python_docker.errors import ContentMismatch, InvalidLayer, InvalidPath, reason_of
from python_docker.files.links import follow_links
from python_docker.streams.compression import open_decompressed
from python_docker.streams.stream import ReadStream
from python_docker.tar import EntryType, TarEntry, TarReader, contained_path

Content = bytes | BinaryIO
Members = Iterator[tuple[TarEntry, Content]]

_MAX_METADATA = 128 << 20  # bytes of one file below info/; 400,000 files make a paths.json of that size
_SMALL_METADATA = 16 << 20  # bytes that one may have in an archive of any size
_METADATA_RATIO = 500  # of one to its archive
_MAX_IGNORED = 2 << 30  # bytes of members that nobody asked for, which still cost the time to decompress them
_MAX_RATIO = 200  # of a payload to its archive, when it must be read to find the metadata; honest ones reach 20
_MAX_SURPRISE = 16 << 20  # bytes that a member may have beyond what the manifest says
_MAX_WINDOW_LOG = 27  # 128 MiB: what --ultra -22 writes, and the most that conda and rattler read


class UnsurveyedPackage(InvalidPackage):
    """A package that cannot be linked in one pass, since what comes later in its archive matters for what came before.

    Call `package.survey()` and start again: then the second attempt succeeds, or tells what is wrong.
    """

    def __init__(self, package: Package, reason: str) -> None:
        super().__init__(f"{package.what}: {reason}")
        self.package = package


class Package:
    """The content of one package; made by `open_package`.

    `what` names it in messages. `is_archive` tells an archive from an extracted folder: the entries of an archive come
    in its own order, those of a folder sorted by path, which is how rattler-build writes archives but conda-build does
    not. So the same package may give other bytes of a layer when it is read from a folder.
    """

    def __init__(
        self, path: PackageFile, metadata: PackageMetadata, open_members: Callable[[], Members], *, is_archive: bool
    ) -> None:
        self.path = path
        self.metadata = metadata
        self.is_archive = is_archive
        self.what = path.name
        self.hard_link_targets: frozenset[str] | None = None
        self._open_members = open_members
        self._superseded: frozenset[int] = frozenset()

    def entries(self) -> Iterator[tuple[TarEntry, BinaryIO]]:
        """Return every member but those of `info/`, once, each with a reader of its content (empty for all but files).

        A content can be read until the next entry is asked for. Paths are relative to the package's root and proved
        to stay in it, as are the targets of hard links; symbolic links, modes and times are as in the archive. Raises
        `InvalidPackage` here and while a content is read.
        """
        return (
            (entry, io.BytesIO(content) if isinstance(content, bytes) else content) for entry, content in self.members()
        )

    def members(self) -> Members:
        """Yield what `entries` does, but contents that are small, and so already read, as bytes."""
        if not self._superseded:
            return self._members()
        return (member for ordinal, member in enumerate(self._members()) if ordinal not in self._superseded)

    def survey(self) -> None:
        """Read the whole archive to learn what one pass cannot know: names that come again, targets of hard links.

        After it, `entries` gives the last of several members of the same name alone, as extracting would.
        """
        last: dict[str, int] = {}
        superseded = set()
        targets = set()
        for ordinal, (entry, _) in enumerate(self._members()):
            if entry.type is EntryType.DIRECTORY:
                continue
            earlier = last.get(entry.path)
            if earlier is not None:
                superseded.add(earlier)
            last[entry.path] = ordinal
            if entry.type is EntryType.HARDLINK:
                targets.add(entry.link_target)
        self._superseded = frozenset(superseded)
        self.hard_link_targets = frozenset(targets)

    def _members(self) -> Members:
        """Yield the members with paths proved, in the order of the archive."""
        listed = {entry.path: entry.size for entry in self.metadata.paths}
        links: dict[str, str] = {}
        real_folders: set[str] = set()
        ignored = 0
        try:
            for entry, content in self._open_members():
                path = entry.path
                if path not in listed:
                    if entry.type is EntryType.DIRECTORY and posixpath.normpath(path) == ".":
                        continue  # the root itself, which `tar c .` writes
                    path = self._proved(path, "a file")
                    if path not in listed:
                        if path.startswith("info/") or path == "info":
                            continue
                        ignored += entry.size
                        if ignored > _MAX_IGNORED:
                            raise InvalidPackage(f"{self.what}: more than {_MAX_IGNORED >> 30} GiB are in no manifest")
                kind = entry.type
                if links:
                    folder = path.rpartition("/")[0]
                    if folder not in real_folders:
                        real = self._follow(folder, links) if folder else ""
                        if real == folder:
                            real_folders.add(folder)
                        else:
                            path = posixpath.join(real, posixpath.basename(path))
                if kind is EntryType.FILE:
                    if not isinstance(content, bytes):
                        stated = listed.get(path)
                        if stated is not None and entry.size > stated + _MAX_SURPRISE:
                            raise InvalidPackage(
                                f"{self.what}: {path[:200]!r} has {entry.size} bytes, its manifest says {stated}"
                            )
                        content = _Content(content, self.what)  # noqa: PLW2901
                elif kind is EntryType.SYMLINK:
                    links[path] = entry.link_target
                    real_folders.clear()
                elif kind is EntryType.HARDLINK:
                    entry = entry._replace(link_target=self._proved(entry.link_target, "a hard link to"))  # noqa: PLW2901
                elif kind is EntryType.FIFO and path not in listed:
                    continue
                elif kind is not EntryType.DIRECTORY:
                    raise InvalidPackage(f"{self.what} holds the {kind.name.lower().replace('_', ' ')} {path[:200]!r}")
                yield entry if path == entry.path else entry._replace(path=path), content
        except (InvalidLayer, ContentMismatch) as error:
            raise InvalidPackage(f"{self.what} is damaged: {error}") from error
        except OSError as error:
            raise InvalidPackage(f"{self.what} cannot be read: {reason_of(error)}") from error

    def _proved(self, path: str, role: str) -> str:
        try:
            if path.startswith("/"):
                raise InvalidPath(path)
            return contained_path(path)
        except InvalidPath as error:
            raise InvalidPackage(f"{self.what} holds {role} {path[:200]!r}, which is outside the package") from error

    def _follow(self, folder: str, links: dict[str, str]) -> str:
        """Return where a folder really is, following the links before it in the archive, as extracting would."""
        real = follow_links(folder, links.get, clamp=False, absolute=lambda target: None)
        if real is None:
            raise InvalidPackage(f"{self.what} holds files below {folder[:200]!r}, a link that leaves the package")
        return real


class _Content(ReadStream):
    """A member's content whose errors name the package."""

    def __init__(self, content: BinaryIO, what: str) -> None:
        super().__init__()
        self._content = content
        self._what = what
        self._read1: Callable[[int], bytes] = getattr(content, "read1", content.read)

    def read(self, size: int | None = -1) -> bytes:
        return self._told(self._content.read, -1 if size is None else size)

    def read1(self, size: int = -1) -> bytes:
        """Return as `read` does, but only as many bytes as come without another copy."""
        return self._told(self._read1, size)

    def _told(self, read: Callable[[int], bytes], size: int) -> bytes:
        try:
            return read(size)
        except (InvalidLayer, ContentMismatch) as error:
            raise InvalidPackage(f"{self._what} is damaged: {error}") from error
        except OSError as error:
            raise InvalidPackage(f"{self._what} cannot be read: {reason_of(error)}") from error


def open_package(path: PackageFile) -> Package:
    """Return the package at `path`: a `.conda` or `.tar.bz2` archive, told by its first bytes, or an extracted folder.

    Its metadata is read at once, its payload each time `entries` is called; of an archive that is still being
    downloaded, when that has come. Raises `InvalidPackage` for what is no
    package or a damaged one.

    >>> open_package(Path("no/such/package.conda"))
    Traceback (most recent call last):
    ...
    conda_docker.errors.InvalidPackage: there is no package at no/such/package.conda
    """
    what = path.name
    try:
        if isinstance(path, Path) and path.is_dir():
            metadata = parse_metadata(*read_extracted_info(path, METADATA_FILES, _MAX_METADATA), what)
            return Package(path, metadata, lambda: extracted_members(path, metadata), is_archive=False)
        with path.open("rb") as stream:
            magic = stream.read(4)
            size = stream.seek(0, io.SEEK_END)
        if magic == b"PK\3\4":
            info = _read_info(_conda_members(path, "info"), what, size, _MAX_IGNORED, whole=True)
            metadata = parse_metadata(*info, what)
            return Package(path, metadata, lambda: _conda_members(path, "pkg"), is_archive=True)
        if magic[:3] == b"BZh":
            limit = max(_MAX_IGNORED, size * _MAX_RATIO)
            info = _read_info(_tar_members(path.open("rb")), what, size, limit, whole=False)
            metadata = parse_metadata(*info, what)
            return Package(path, metadata, lambda: _tar_members(path.open("rb")), is_archive=True)
    except FileNotFoundError:
        raise InvalidPackage(f"there is no package at {path}") from None
    except InvalidLayer as error:
        raise InvalidPackage(f"{what} is damaged: {error}") from error
    except OSError as error:
        raise InvalidPackage(f"{path} cannot be read: {reason_of(error)}") from error
    raise InvalidPackage(f"{what} is neither a .conda nor a .tar.bz2 package: it starts with {magic!r}")


def _conda_members(path: PackageFile, section: str) -> Members:
    return _tar_members(open_section(path, section))


def _tar_members(stream: BinaryIO) -> Members:
    with stream, open_decompressed(stream, max_window_log=_MAX_WINDOW_LOG) as tar:
        # Whose files they were is of no interest, and rattler takes any spelling of a time.
        yield from TarReader(tar, times_and_owners=False).members()


def _read_info(members: Members, what: str, size: int, limit: int, *, whole: bool) -> tuple[dict[str, bytes], int]:
    """Return the contents of the metadata files of an archive of `size` bytes, and the time of `about.json`.

    Unless `whole`, the payload is in the same tar: reading ends as soon as nothing of use can follow. No more than
    `limit` bytes of other members are read.
    """
    largest = min(_MAX_METADATA, max(_SMALL_METADATA, size * _METADATA_RATIO))
    files: dict[str, bytes] = {}
    times: dict[str, int] = {}
    ignored = 0
    for entry, content in members:
        folder, _, name = entry.path.removeprefix("./").rpartition("/")
        if folder == "info":
            if name in METADATA_FILES and entry.type is EntryType.FILE:
                if entry.size > largest:
                    raise InvalidPackage(f"{what}: info/{name} has {entry.size} bytes; at most {largest} are read")
                files[name] = content if isinstance(content, bytes) else content.read()
                times[name] = entry.mtime
        elif not whole and _is_complete(files):
            break
        else:
            ignored += entry.size
            if ignored > limit:
                raise InvalidPackage(f"{what}: its metadata is not within {limit} bytes of other files")
    return files, times.get("about.json", times.get("index.json", 0))


def _is_complete(files: dict[str, bytes]) -> bool:
    """Return whether no other file below `info/` can matter any more."""
    if not {"index.json", "paths.json"} <= files.keys():
        return False
    try:
        index = parse_info_json(files["index.json"], "info/index.json", "a package")
        return ("about.json" in files or bool(index.get("timestamp"))) and (
            index.get("noarch") != "python" or "link.json" in files
        )
    except InvalidPackage:
        return True  # what is wrong is told when it is parsed
