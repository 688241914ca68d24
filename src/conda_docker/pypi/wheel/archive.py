"""Wheel: a wheel file read in place (PEP 427), with every name and size in it checked before any content is read."""

from __future__ import annotations

import calendar
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO, BinaryIO, NamedTuple, TypeVar, cast

from isal import isal_zlib

from conda_docker.environment.packages.wheels import LockedWheel, normalize_name
from conda_docker.errors import InvalidPackage
from python_docker.errors import InvalidPath, reason_of
from python_docker.streams.stream import ReadStream
from python_docker.tar import contained_path

_MAX_METADATA = 64 << 20  # bytes of one file in .dist-info that is read whole; a RECORD of half a million files
_MAX_RATIO = 200  # of all contents to the archive; honest wheels reach 20
_SMALL_ARCHIVE = 64 << 20  # bytes that may come out of any archive
EARLIEST = 315532800
"""The first second that a zip can store, in place of a time that is invalid or not known."""
_ENCRYPTED = 0x1
# Magic number, and the sizes of name and extra field, of what stands before each member (APPNOTE.TXT, 4.3.7).
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_DAMAGED = cast("type[Exception]", isal_zlib.error)  # its stub takes it for an instance
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})

Result = TypeVar("Result")


class Member(NamedTuple):
    """A file of a wheel; `size` is in bytes, `mtime` in seconds since 1970.

    A zip's times have no zone and are read as UTC.
    """

    path: str
    size: int
    executable: bool
    mtime: int
    info: zipfile.ZipInfo


@dataclass(frozen=True, slots=True)
class Wheel:
    """The files of a wheel, made by `open_wheel`.

    `dist_info` is its folder of metadata, such as `six-1.17.0.dist-info`; `what` names the wheel in messages.
    """

    path: Path
    what: str
    dist_info: str
    members: Mapping[str, Member]

    @property
    def mtime(self) -> int:
        """The time for files that are made when the wheel is linked: that of its newest member."""
        return max((member.mtime for member in self.members.values()), default=EARLIEST)

    @contextmanager
    def reading(self) -> Iterator[WheelReader]:
        """Open the archive to read members."""
        with (
            _reading(self.what, lambda: self.path.open("rb")) as file,
            _reading(self.what, lambda: zipfile.ZipFile(file)) as archive,
        ):
            yield WheelReader(self, archive, file)


class WheelReader:
    """Reads the members of a wheel while it is open. What is damaged raises `InvalidPackage`."""

    def __init__(self, wheel: Wheel, archive: zipfile.ZipFile, file: BinaryIO) -> None:
        self._wheel = wheel
        self._archive = archive
        self._file = file

    def read(self, member: Member) -> bytes:
        """Return the whole content of `member`."""
        return _reading(self._wheel.what, lambda: self._content(member.info))

    def _content(self, info: zipfile.ZipInfo) -> bytes:
        # By hand: zipfile's own way takes twice as long for the many small files of a wheel, and for large ones too.
        self._file.seek(info.header_offset)
        header = self._file.read(_LOCAL_HEADER.size)
        if len(header) < _LOCAL_HEADER.size:
            raise EOFError("it is cut short")
        magic, name_size, extra_size = _LOCAL_HEADER.unpack(header)
        if magic != b"PK\3\4":
            raise zipfile.BadZipFile(f"there is no member where {info.filename!r} should be")
        self._file.seek(name_size + extra_size, os.SEEK_CUR)
        content = self._file.read(info.compress_size)
        if info.compress_type == zipfile.ZIP_DEFLATED:
            # No more than one byte over what was announced: that shows as much as all of it.
            content = isal_zlib.decompressobj(-15).decompress(content, info.file_size + 1)
        if len(content) != info.file_size or isal_zlib.crc32(content) != info.CRC:
            raise zipfile.BadZipFile(f"{info.filename!r} is not what the table of contents says")
        return content

    def open(self, member: Member) -> ReadStream:
        """Return a stream of the content of `member`."""
        content = _reading(self._wheel.what, lambda: self._archive.open(member.info))
        return _Content(content, self._wheel.what, member)

    def metadata(self, name: str) -> str:
        """Return the text of the file called `name` in `.dist-info`, such as `METADATA`.

        Raises `InvalidPackage` when it is missing, too large or not UTF-8.
        """
        member = self._wheel.members.get(f"{self._wheel.dist_info}/{name}")
        if member is None:
            raise InvalidPackage(f"{self._wheel.what} is not a wheel: it has no {self._wheel.dist_info}/{name}")
        if member.size > _MAX_METADATA:
            raise InvalidPackage(f"{self._wheel.what}: {name} has {member.size} bytes, more than can be read")
        try:
            return self.read(member).decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidPackage(f"{self._wheel.what}: {name} is not UTF-8") from error


class _Content(ReadStream):
    """A member's content whose errors name the wheel."""

    def __init__(self, content: IO[bytes], what: str, member: Member) -> None:
        super().__init__()
        self._content = content
        self._what = what
        self._member = member
        self._left = member.size

    def read(self, size: int | None = -1) -> bytes:
        data = _reading(self._what, lambda: self._content.read(-1 if size is None else size))
        self._left -= len(data)
        # zipfile says nothing where the table of contents promises more than there is.
        if self._left > 0 and size != 0 and (not data or size is None or size < 0):
            raise InvalidPackage(f"{self._what} is damaged: {self._member.path[:200]!r} is cut short")
        return data

    def close(self) -> None:
        self._content.close()
        super().close()


def check_distribution(wheel: Wheel, locked: LockedWheel) -> None:
    """Raise `InvalidPackage` for a wheel that is not of the distribution and version that an index or a lock file says.

    What the wheel says is in the name of its folder of metadata (binary distribution format, "File contents").
    """
    from packaging.version import InvalidVersion, Version

    name, _, version = wheel.dist_info.removesuffix(".dist-info").rpartition("-")
    try:
        same = Version(version) == Version(locked.version)
    except InvalidVersion:
        same = version.replace("_", "-") == locked.version.replace("_", "-")
    if normalize_name(name) != normalize_name(locked.name) or not same:
        raise InvalidPackage(
            f"{wheel.what} is {name} {version}, and the package index or lock file says that it is "
            f"{locked.name} {locked.version}"
        )


def open_wheel(path: Path, file_name: str | None = None) -> Wheel:
    """Return the wheel at `path`, its table of contents read and checked; `file_name` when the file has another name.

    Raises `InvalidPackage` for a file that is not a wheel, names that lead out of it, a name that occurs twice,
    encrypted members, and contents out of all proportion to the archive's size.

    >>> open_wheel(Path("no/such/six-1.17.0-py2.py3-none-any.whl"))
    Traceback (most recent call last):
    ...
    conda_docker.errors.InvalidPackage: there is no wheel at no/such/six-1.17.0-py2.py3-none-any.whl
    """
    what = file_name or path.name
    if not path.is_file():
        raise InvalidPackage(f"there is no wheel at {path}")
    with _reading(what, lambda: zipfile.ZipFile(path)) as archive:
        infos = archive.infolist()
    members: dict[str, Member] = {}
    total = 0
    for info in infos:
        if info.orig_filename.endswith("/"):
            continue
        member = _member(info, what)
        if member.path in members:
            raise InvalidPackage(f"{what} holds {member.path[:200]!r} twice")
        members[member.path] = member
        total += member.size
    limit = max(_SMALL_ARCHIVE, path.stat().st_size * _MAX_RATIO)
    if total > limit:
        raise InvalidPackage(f"{what} unpacks to {total} bytes, more than the limit of {limit}")
    dist_info = dist_info_of({path.partition("/")[0] for path in members if ".dist-info/" in path}, what)
    return Wheel(path, what, dist_info, MappingProxyType(members))


def _member(info: zipfile.ZipInfo, what: str) -> Member:
    path = info.filename
    try:
        # `orig_filename` is the name before zipfile cut it at a NUL.
        if path.startswith("/") or "\\" in info.orig_filename or "\0" in info.orig_filename:
            raise InvalidPath(path)
        path.encode()
        path = contained_path(path)
    except (InvalidPath, UnicodeEncodeError) as error:
        raise InvalidPackage(f"{what} holds {path[:200]!r}, which is not a valid path in a wheel") from error
    if info.flag_bits & _ENCRYPTED:
        raise InvalidPackage(f"{what} holds {path[:200]!r}, which is encrypted")
    if info.compress_type not in _METHODS:
        raise InvalidPackage(f"{what} holds {path[:200]!r}, compressed with a method that wheels may not use")
    mode = info.external_attr >> 16
    executable = stat.S_ISREG(mode) and bool(mode & 0o111)
    return Member(path, info.file_size, executable, _mtime(info.date_time), info)


def _mtime(date_time: tuple[int, int, int, int, int, int]) -> int:
    year, month, day, *_ = date_time
    if not (year >= 1980 and 1 <= month <= 12 and day >= 1):
        return EARLIEST
    return calendar.timegm((*date_time, 0, 0, 0))


def dist_info_of(folders: Iterable[str], what: str) -> str:
    """Return the one folder of metadata among a wheel's, which must be that of the distribution in the file's name.

    Raises `InvalidPackage`.

    >>> dist_info_of(["six-1.17.0.dist-info", "six-1.17.0.data"], "six-1.17.0-py2.py3-none-any.whl")
    'six-1.17.0.dist-info'
    """
    found = sorted(folder for folder in folders if folder.endswith(".dist-info"))
    if len(found) != 1:
        raise InvalidPackage(
            f"{what} is not a wheel: it has {len(found)} folders called *.dist-info, and should have one"
        )
    name, _, version = found[0].removesuffix(".dist-info").rpartition("-")
    if normalize_name(name) != normalize_name(what.partition("-")[0]) or not version:
        raise InvalidPackage(f"{what} holds a different distribution than its name says: {found[0]}")
    return found[0]


def _reading(what: str, read: Callable[[], Result]) -> Result:
    """Return what `read` gives; what it raises for a damaged or unreadable file becomes `InvalidPackage`."""
    try:
        return read()
    except (zipfile.BadZipFile, zlib.error, _DAMAGED, EOFError, NotImplementedError, RuntimeError) as error:
        raise InvalidPackage(f"{what} is damaged: {error}") from error
    except OSError as error:
        raise InvalidPackage(f"{what} cannot be read: {reason_of(error)}") from error
