"""ArchiveFile: a tar archive, its members found once and read where they are; nothing is ever extracted."""

from __future__ import annotations

import io
import os
import stat
import tempfile
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, cast

from python_docker.errors import Error, InvalidArchive, InvalidDocument, InvalidLayer, InvalidPath, NotFound, reason_of
from python_docker.files.atomic import write_all
from python_docker.files.links import follow_links
from python_docker.streams.compression import Compression, open_decompressed, sniff
from python_docker.streams.section import GivenFile, OwnFile, RandomAccess, Section, same_content
from python_docker.streams.stream import ReadStream
from python_docker.tar import EntryType, TarReader, Unreadable, contained_path

_BLOCK = 512
_BUFFER = 64 << 10
_MAX_PATH = 4096
# Paths and places of members are kept in memory: about this many bytes at most, some 300,000 members.
_MAX_INDEX = 128 << 20
_MEMBER_COST = 384
_AFTER_END = 1 << 20
# What is unpacked fills the folder for temporary files: archives of images shrink to a third, rarely to a tenth.
_ROOM = 1 << 30
_RATIO = 100
_LISTED = 8


class Member(NamedTuple):
    """A file in an archive: its path there, where its content begins, and how many bytes it has."""

    path: str
    offset: int
    size: int


class _Place(NamedTuple):
    """What the archive has under a path."""

    type: EntryType
    offset: int
    size: int
    link_target: str


class _Spool(ReadStream):
    """A stream that leaves a copy of all that is read from it in a file."""

    def __init__(self, stream: BinaryIO, copy: BinaryIO) -> None:
        super().__init__()
        self._stream = stream
        self._copy = copy

    def read(self, size: int | None = -1) -> bytes:
        data = self._stream.read(-1 if size is None else size)
        write_all(self._copy, data)
        return data


class ArchiveFile:
    """A tar archive in a file or stream, compressed as a whole or not; `name` is what messages call it.

    The members are found when it is opened, and read in place later, by any number of threads. What is compressed, or
    cannot be read at random (a pipe), is first copied to a temporary file, which goes with the last object that reads
    from it. Links are followed within the archive only; members whose names lead out of it are passed over.

    >>> import tarfile
    >>> file = io.BytesIO()
    >>> with tarfile.open(fileobj=file, mode="w") as tar:
    ...     entry = tarfile.TarInfo("./greeting")
    ...     entry.size = 5
    ...     tar.addfile(entry, io.BytesIO(b"hello"))
    >>> _ = file.seek(0)
    >>> ArchiveFile.open(file).read("greeting", 100)
    b'hello'
    """

    def __init__(self, file: RandomAccess, name: str) -> None:
        self._file = file
        self.name = name
        self._places: dict[str, _Place] = {}
        self._repeated: dict[str, list[_Place]] = {}
        self._cost = 0
        self._end = 0

    @classmethod
    def open(cls, source: str | os.PathLike[str] | BinaryIO) -> ArchiveFile:
        """Open a path or a file object; a seekable one must stay open while members are read.

        Raises `NotFound` when there is no such file, `InvalidArchive` for what is not a tar or is cut short.
        """
        if isinstance(source, (str, os.PathLike)):
            return cls._open_path(os.fspath(source))
        name = getattr(source, "name", None)
        name = name if isinstance(name, str) else "the archive"
        if source.seekable():
            return cls.open_file(GivenFile(source), name)
        return cls._open_stream(source, name)

    @classmethod
    def _open_path(cls, path: str) -> ArchiveFile:
        try:
            number = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except FileNotFoundError:
            raise NotFound(f"there is no file {path}") from None
        except OSError as error:
            raise InvalidArchive(f"cannot read {path}: {reason_of(error)}") from None
        mode = os.fstat(number).st_mode
        if stat.S_ISREG(mode):
            return cls.open_file(OwnFile(number), path)
        if stat.S_ISDIR(mode):
            os.close(number)
            raise InvalidArchive(f"{path} is a folder, not an archive; for an OCI image layout write oci:{path}")
        with os.fdopen(number, "rb", buffering=0) as stream:
            return cls._open_stream(cast("BinaryIO", stream), path)

    @classmethod
    def open_file(cls, file: RandomAccess, name: str) -> ArchiveFile:
        """Open a file that can be read anywhere; `name` is what messages call it. Raises `InvalidArchive`."""
        whole = cast("BinaryIO", io.BufferedReader(Section(file, 0, file.size, name), _BUFFER))
        try:
            compression = sniff(whole.read(6))
            whole.seek(0)
            if compression is not Compression.NONE:
                return cls._open_stream(whole, name)
            archive = cls(file, name)
            archive._find_members(TarReader(whole, lenient=True), file.size)
        except OSError as error:
            raise InvalidArchive(f"cannot read {name}: {reason_of(error)}") from error
        return archive

    @classmethod
    def _open_stream(cls, stream: BinaryIO, name: str) -> ArchiveFile:
        try:
            with tempfile.TemporaryFile(prefix="image-", buffering=0) as copy:
                plain = open_decompressed(stream, room=_ROOM, ratio=_RATIO)
                file = OwnFile(os.dup(copy.fileno()))
                archive = cls(file, name)
                archive._find_members(TarReader(_Spool(plain, cast("BinaryIO", copy)), lenient=True), None)
                # Padding, and the checksum at the end of a compressed file; not all, for a stream may be endless.
                plain.read(_AFTER_END)
                file.size = os.fstat(copy.fileno()).st_size
                return archive
        except InvalidLayer as error:
            raise InvalidArchive(f"{name} is not a readable archive: {error}") from error
        except OSError as error:
            raise Error(
                f"cannot read {name} through a temporary file in {tempfile.gettempdir()}: {reason_of(error)}; "
                "the environment variable TMPDIR can name another folder"
            ) from error

    def _find_members(self, reader: TarReader, size: int | None) -> None:
        try:
            for entry, content in reader:
                if isinstance(content, Unreadable):
                    continue
                if size is not None and reader.offset + entry.size > size:
                    raise InvalidArchive(
                        f"{self.name} is cut short: it ends within {entry.path[:200]!r}, which has {entry.size} bytes"
                    )
                self._end = reader.offset + entry.size + -entry.size % _BLOCK
                self._add(entry.path, _Place(entry.type, reader.offset, entry.size, entry.link_target))
        except InvalidLayer as error:
            raise InvalidArchive(f"{self.name} is not a readable archive: {error}") from error

    def _add(self, path: str, place: _Place) -> None:
        try:
            path = contained_path(path)
        except InvalidPath:
            # Nothing is extracted, so it does no harm, and no document can name it.
            return
        self._cost += _MEMBER_COST + len(path) + len(place.link_target)
        if self._cost > _MAX_INDEX:
            raise InvalidArchive(f"{self.name} has too many members: more than {len(self._places)}")
        earlier = self._places.get(path)
        if earlier is not None and not (earlier.type is place.type is EntryType.DIRECTORY):
            self._repeated.setdefault(path, []).append(earlier)
        self._places[path] = place

    def __iter__(self) -> Iterator[str]:
        """Return the paths of all members, in the archive's order."""
        return iter(self._places)

    def find(self, path: str) -> Member | None:
        """Return the file under a path, links followed; None when there is none.

        Raises `InvalidArchive` for links that lead in a circle, and for a path that occurs twice with other content.
        """
        if len(path) > _MAX_PATH:
            return None
        place = follow_links(path, self._target)
        if place is None:
            raise InvalidArchive(f"{self.name}: the links of {path[:200]!r} lead in a circle")
        found = self._places.get(place)
        if found is None or found.type is not EntryType.FILE:
            return None
        return Member(place, found.offset, found.size)

    def _target(self, path: str) -> str | None:
        place = self._place(path)
        if place is None or place.type not in (EntryType.SYMLINK, EntryType.HARDLINK):
            return None
        # A symbolic link leads on from its folder, a hard link from the root of the archive.
        return f"/{place.link_target}" if place.type is EntryType.HARDLINK else place.link_target

    def _place(self, path: str) -> _Place | None:
        place = self._places.get(path)
        if place is not None and path in self._repeated:
            if not all(self._same(earlier, place) for earlier in self._repeated[path]):
                # Tools do not agree on which one counts.
                raise InvalidArchive(f"{self.name} holds {path[:200]!r} more than once, with different content")
            del self._repeated[path]
        return place

    def _same(self, one: _Place, other: _Place) -> bool:
        if one._replace(offset=0) != other._replace(offset=0):
            return False
        sections = (Section(self._file, place.offset, place.size, self.name) for place in (one, other))
        return same_content(*sections)

    def get(self, path: str) -> Member:
        """Return the file under a path, links followed. Raises `InvalidArchive` when there is none."""
        member = self.find(path)
        if member is None:
            if path in self._places:
                raise InvalidArchive(f"{self.name}: {path[:200]!r} is a link to nothing in the archive, or a folder")
            # A tar ends with blocks of zeros; without one it may have been cut between two members.
            cut = "; it seems to be cut short" if self._file.size < self._end + _BLOCK else ""
            raise InvalidArchive(f"{self.name} has no file {path[:200]!r}{cut} (it has {self.listed()})")
        return member

    def listed(self) -> str:
        """Return the names of the first members, for a message."""
        there = ", ".join(repr(name[:80]) for name, _ in zip(self, range(_LISTED), strict=False)) or "nothing"
        return f"{there}, ..." if len(self._places) > _LISTED else there

    def open_member(self, member: Member) -> BinaryIO:
        """Return a new reader of a member's content."""
        return Section(self._file, member.offset, member.size, f"{member.path[:200]!r} in {self.name}")

    def read(self, path: str, limit: int) -> bytes | None:
        """Return the content of a small file, None if there is none.

        Raises `InvalidDocument` for more than `limit` bytes.
        """
        member = self.find(path)
        if member is None:
            return None
        if member.size > limit:
            raise InvalidDocument(f"{path[:200]!r} in {self.name} has {member.size} bytes; at most {limit} are read")
        with self.open_member(member) as stream:
            return stream.read()
