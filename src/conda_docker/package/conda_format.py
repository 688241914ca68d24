"""The outer container of `.conda` packages: a ZIP file of stored members (CEP 35)."""

from __future__ import annotations

import json
import zipfile
import zlib
from pathlib import Path
from typing import Any, BinaryIO

from conda_docker.errors import InvalidPackage
from python_docker.streams.growing import GrowingFile
from python_docker.streams.stream import ReadStream

PackageFile = Path | GrowingFile
"""Where a package is: an archive or an extracted folder on this machine, or an archive that is being downloaded."""

_LOCAL_HEADER = 30
_MAX_FORMAT_FILE = 1 << 16


def open_section(path: PackageFile, section: str) -> BinaryIO:
    """Return a reader of the compressed tar of a `.conda` file's section, "pkg" or "info". Raises `InvalidPackage`."""
    what = path.name
    stream = path.open("rb")
    try:
        with zipfile.ZipFile(stream) as archive:
            _check_format(archive, what)
            member = _find(archive, section, path)
        start = _content_offset(stream, member, what)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, ValueError, OverflowError) as error:
        stream.close()
        raise InvalidPackage(f"{what} is damaged: {error}") from error
    except BaseException:
        stream.close()
        raise
    return _Section(stream, start, member.compress_size)


def _find(archive: zipfile.ZipFile, section: str, path: PackageFile) -> zipfile.ZipInfo:
    names = [
        info
        for info in archive.infolist()
        if info.filename.startswith(f"{section}-") and info.filename.endswith(".tar.zst")
    ]
    # A renamed package still has its first name inside.
    exact = [info for info in names if info.filename == f"{section}-{path.name.removesuffix('.conda')}.tar.zst"]
    chosen = exact or names
    if len(chosen) != 1:
        found = "none" if not chosen else f"{len(chosen)} of them"
        raise InvalidPackage(f"{path.name} should have one {section}-*.tar.zst inside; it has {found}")
    member = chosen[0]
    if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1:
        raise InvalidPackage(
            f"{path.name}: {member.filename} is compressed or encrypted by ZIP, which packages may not be"
        )
    return member


def _check_format(archive: zipfile.ZipFile, what: str) -> None:
    """Refuse a later format; one that does not say is accepted, as by all clients."""
    if "metadata.json" not in archive.namelist():
        return
    with archive.open("metadata.json") as stream:
        content = stream.read(_MAX_FORMAT_FILE)
    try:
        document: Any = json.loads(content)
    except (ValueError, RecursionError):
        return  # clients do not read it; in some old packages it is empty
    version = document.get("conda_pkg_format_version") if isinstance(document, dict) else None
    # In words or as a string, it is no reason to refuse what clients install.
    if isinstance(version, int | float) and version > 2:
        raise InvalidPackage(f"{what} is in version {str(version)[:20]} of the .conda format; only 2 can be read")


def _content_offset(stream: BinaryIO, member: zipfile.ZipInfo, what: str) -> int:
    # The local header may have other extra fields than the central directory (APPNOTE.TXT section 4.3.7).
    stream.seek(member.header_offset)
    header = stream.read(_LOCAL_HEADER)
    if len(header) < _LOCAL_HEADER or not header.startswith(b"PK\3\4"):
        raise InvalidPackage(f"{what} is damaged: {member.filename} is not where the ZIP's directory says")
    name, extra = int.from_bytes(header[26:28], "little"), int.from_bytes(header[28:30], "little")
    return member.header_offset + _LOCAL_HEADER + name + extra


class _Section(ReadStream):
    """A part of a file, as a stream of its own that closes the file."""

    def __init__(self, stream: BinaryIO, start: int, size: int) -> None:
        super().__init__(stream)
        self._stream = stream
        self._left = size
        stream.seek(start)

    def read(self, size: int | None = -1) -> bytes:
        data = self._stream.read(self._left if size is None or size < 0 else min(size, self._left))
        self._left -= len(data)
        return data
