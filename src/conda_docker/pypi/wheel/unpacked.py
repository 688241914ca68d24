"""Wheels that uv has unpacked in its cache: found by the hash that uv noted, checked by their RECORD, and read.

uv keeps no archives. Next to a link to the unpacked files (`wheels-v*/.../NAME/VERSION-TAGS`) lies what it knows of the
answer that brought them, with the wheel's SHA-256. The format is uv's own and may change: a cache that is not as
expected here has nothing. A folder does not have the times of the archive's members, so the layer has other bytes.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from zipfile import ZipInfo

from conda_docker.environment.packages.wheels import LockedWheel
from conda_docker.errors import InvalidPackage
from conda_docker.pypi.wheel.archive import EARLIEST, Member, Wheel, WheelReader, dist_info_of
from conda_docker.pypi.wheel.record import matches, read_record
from conda_docker.user_files import is_folder
from python_docker.errors import InvalidPath, reason_of
from python_docker.files.home import home_folder
from python_docker.streams.stream import ReadStream
from python_docker.tar import contained_path

_LARGEST_NOTE = 1 << 20  # bytes
_PLACES = ("wheels-v*/pypi/{}", "wheels-v*/index/*/{}", "wheels-v*/url/*/{}")
_SHA256 = b"Sha256\xd9\x40"  # the name of the algorithm, and that 64 characters follow (MessagePack)
_SIGNATURES = ("RECORD.jws", "RECORD.p7s")  # which no RECORD lists (PEP 427)
_READ_SIZE = 1 << 20
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)  # of Unix, of Windows


def uv_cache_folder(environ: Mapping[str, str]) -> Path:
    """Return uv's cache folder: UV_CACHE_DIR, else the place for caches of this system's conventions."""
    if environ.get("UV_CACHE_DIR"):
        return Path(environ["UV_CACHE_DIR"])
    home = home_folder(environ)
    if sys.platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "uv" / "cache"
    return Path(environ.get("XDG_CACHE_HOME") or home / ".cache") / "uv"


def find_unpacked(locked: LockedWheel, folder: Path) -> Path | None:
    """Return where the uv cache at `folder` has this very wheel, unpacked and whole; None where it has not.

    uv noted the wheel's SHA-256, and every file is as its RECORD says.
    """
    if locked.sha256 is None:
        return None
    noted = _SHA256 + locked.sha256.encode()
    for place in _PLACES:
        for note in sorted(folder.glob(f"{place.format(locked.name)}/*.http")):
            found = _unpacked(note, noted, folder)
            if found is not None and _is_whole(found, locked.file_name):
                return found
    return None


def _unpacked(note: Path, noted: bytes, folder: Path) -> Path | None:
    try:
        if note.stat().st_size > _LARGEST_NOTE or noted not in note.read_bytes():
            return None
        target = note.with_suffix("").resolve(strict=True)
        archives = target.parent
        inside = archives.parent == folder.resolve() and archives.name.startswith("archive-v")
    except OSError:
        return None
    return target if inside and is_folder(target) else None


def _is_whole(folder: Path, file_name: str) -> bool:
    try:
        wheel = open_unpacked(folder, file_name)
        if _files(folder) - wheel.members.keys() - {f"{wheel.dist_info}/{name}" for name in _SIGNATURES}:
            return False
        with wheel.reading() as reader:
            for path, expected in read_record(reader.metadata("RECORD"), file_name).items():
                hash_ = hashlib.new(expected.algorithm)
                with reader.open(wheel.members[path]) as content:
                    while data := content.read(_READ_SIZE):
                        hash_.update(data)
                if not matches(expected, hash_.digest()):
                    return False
    except (InvalidPackage, KeyError, ValueError):
        return False
    return True


def _files(folder: Path) -> set[str]:
    found: set[str] = set()
    for parent, _, names in os.walk(folder):
        found.update(Path(parent, name).relative_to(folder).as_posix() for name in names)
    return found


@dataclass(frozen=True, slots=True)
class UnpackedWheel(Wheel):
    """A wheel whose files are in a folder, made by `open_unpacked`."""

    @contextmanager
    def reading(self) -> Iterator[WheelReader]:
        """Read members from the folder."""
        yield _FolderReader(self)


def open_unpacked(folder: Path, file_name: str) -> UnpackedWheel:
    """Return the wheel called `file_name` that is unpacked in `folder`: what its RECORD lists, in that order.

    Raises `InvalidPackage` for a folder that is not a wheel, and for a row that is not a file in it.
    """
    infos = sorted(path.name for path in folder.glob("*.dist-info"))
    dist_info = dist_info_of(infos, file_name)
    record = f"{dist_info}/RECORD"
    bare = UnpackedWheel(folder, file_name, dist_info, {record: _member(folder, record, file_name)})
    with bare.reading() as reader:
        listed = [*read_record(reader.metadata("RECORD"), file_name), record]
    members = {path: _member(folder, path, file_name) for path in dict.fromkeys(listed)}
    return UnpackedWheel(folder, file_name, dist_info, MappingProxyType(members))


def _member(folder: Path, path: str, what: str) -> Member:
    try:
        contained = contained_path(path)
        status = (folder / contained).lstat()
        real = (folder / contained).resolve(strict=True)
    except (InvalidPath, OSError) as error:
        raise InvalidPackage(f"{what} lists {path[:200]!r}, which is not there") from error
    if real != folder.resolve() / contained or not (folder / contained).is_file():
        raise InvalidPackage(f"{what} lists {path[:200]!r}, which is not a file of its own")
    return Member(contained, status.st_size, bool(status.st_mode & 0o111), EARLIEST, ZipInfo(contained))


class _FolderReader(WheelReader):
    """Reads the members of an unpacked wheel."""

    def __init__(self, wheel: UnpackedWheel) -> None:
        self._wheel = wheel

    def read(self, member: Member) -> bytes:
        with self.open(member) as content:
            return content.read()

    def open(self, member: Member) -> ReadStream:
        return _File(self._wheel.path / member.path, self._wheel.what)


class _File(ReadStream):
    """A file whose errors name the wheel; a link in its place is not followed."""

    def __init__(self, path: Path, what: str) -> None:
        self._what = what
        try:
            content = os.fdopen(os.open(path, os.O_RDONLY | _NO_FOLLOW), "rb", buffering=0)
        except OSError as error:
            raise InvalidPackage(f"{what} cannot be read: {reason_of(error)}") from error
        super().__init__(content)
        self._content = content

    def read(self, size: int | None = -1) -> bytes:
        try:
            return self._content.read(-1 if size is None else size) or b""
        except OSError as error:
            raise InvalidPackage(f"{self._what} cannot be read: {reason_of(error)}") from error
