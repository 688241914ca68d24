"""Tiny conda packages made by hand: every kind of entry, honest or hostile, in both archive formats."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MTIME = 1_600_000_000
"""When every entry was changed unless its test says otherwise, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class File:
    """A regular file. With a `placeholder` it is rewritten on linking, as `file_mode` ("text", "binary") says."""

    content: bytes = b""
    mode: int = 0o644
    mtime: int = MTIME
    placeholder: str | None = None
    file_mode: str | None = "text"
    no_link: bool = False


@dataclass(frozen=True, slots=True)
class Symlink:
    """A symbolic link; the text of its target is kept as it is."""

    target: str
    mtime: int = MTIME


@dataclass(frozen=True, slots=True)
class HardLink:
    """A second name of a file of the same package; `target` is that file's path in the package and comes earlier."""

    target: str
    mode: int = 0o644
    mtime: int = MTIME
    placeholder: str | None = None
    file_mode: str | None = "text"


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder with a tar member of its own. `listed`: also in paths.json, as `path_type: directory`."""

    mode: int = 0o755
    mtime: int = MTIME
    listed: bool = False


Entry = File | Symlink | HardLink | Folder


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticPackage:
    """What a package holds. `files`: path in the package -> entry (`bytes` and `str` are files with mode 0644).

    Paths go into tar and paths.json as they are spelled, so hostile ones can be made.

    >>> SyntheticPackage(name="a", files={"bin/a": File(b"#!/bin/sh", mode=0o755)}).file_name()
    'a-1.0-0.conda'
    """

    name: str
    version: str = "1.0"
    build: str = "0"
    build_number: int = 0
    depends: Sequence[str] = ()
    noarch: str | bool | None = None
    subdir: str = ""
    """ "noarch" for noarch packages, else linux-64, unless given."""
    timestamp: int | None = None
    python_site_packages_path: str | None = None
    files: Mapping[str, Entry | bytes | str] = field(default_factory=dict)
    entry_points: Sequence[str] = ()
    """Makes info/link.json, which also appears for noarch: python."""
    index: Mapping[str, Any] = field(default_factory=dict)
    """More fields of info/index.json; they win, and None removes a field."""
    info: Mapping[str, bytes | None] = field(default_factory=dict)
    """More files below info/, such as `about.json`; they win, and None leaves one out."""
    about_mtime: int = MTIME
    legacy_paths: bool = False
    """Write info/files, has_prefix and no_link in place of info/paths.json."""
    unlisted: Sequence[str] = ()
    """Paths that are in the tar and not in paths.json."""
    listed: Sequence[Mapping[str, Any]] = ()
    """More entries of paths.json, whose paths need not be in the tar."""
    more_members: Sequence[tuple[tarfile.TarInfo, bytes]] = ()
    """More tar members of the payload, as they are: devices, second copies, absolute names."""
    info_last: bool = False
    """In a .tar.bz2, put info/ after the payload."""

    @property
    def stem(self) -> str:
        return f"{self.name}-{self.version}-{self.build}"

    @property
    def folder(self) -> str:
        """The subdir of the channel that the package goes to."""
        return self.subdir or ("noarch" if self.noarch else "linux-64")

    def file_name(self, suffix: str = ".conda") -> str:
        return f"{self.stem}{suffix}"

    def entries(self) -> dict[str, Entry]:
        """Every path with its entry, in the order of `files`."""

        def entry(value: Entry | bytes | str) -> Entry:
            if isinstance(value, str):
                return File(value.encode())
            return File(value) if isinstance(value, bytes) else value

        return {path: entry(value) for path, value in self.files.items()}

    def index_json(self) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "name": self.name,
            "version": self.version,
            "build": self.build,
            "build_number": self.build_number,
            "depends": list(self.depends),
            "subdir": self.folder,
            "noarch": self.noarch,
            "timestamp": self.timestamp,
            "python_site_packages_path": self.python_site_packages_path,
            **self.index,
        }
        return {name: value for name, value in fields.items() if value is not None}

    def paths_json(self) -> dict[str, Any]:
        entries = self.entries()
        paths = [
            _path_entry(path, entry, entries)
            for path, entry in entries.items()
            if path not in self.unlisted and (not isinstance(entry, Folder) or entry.listed)
        ]
        return {"paths": [*paths, *map(dict, self.listed)], "paths_version": 1}

    def info_files(self) -> dict[str, bytes]:
        """Every file below info/, by its path there."""
        files: dict[str, bytes | None] = {"index.json": _json(self.index_json()), "about.json": b"{}"}
        if self.legacy_paths:
            files |= self._legacy_paths()
        else:
            files["paths.json"] = _json(self.paths_json())
        if self.noarch == "python" or self.entry_points:
            link: dict[str, Any] = {"noarch": {"type": "python"}, "package_metadata_version": 1}
            if self.entry_points:
                link["noarch"]["entry_points"] = list(self.entry_points)
            files["link.json"] = _json(link)
        return {path: content for path, content in {**files, **self.info}.items() if content is not None}

    def _legacy_paths(self) -> dict[str, bytes]:
        listed = {path: entry for path, entry in self.entries().items() if path not in self.unlisted}
        files = {"files": [path for path, entry in listed.items() if not isinstance(entry, Folder) or entry.listed]}
        files["has_prefix"] = [
            f'"{entry.placeholder}" {entry.file_mode} "{path}"'
            for path, entry in listed.items()
            if isinstance(entry, File | HardLink) and entry.placeholder
        ]
        files["no_link"] = [path for path, entry in listed.items() if isinstance(entry, File) and entry.no_link]
        return {name: "".join(f"{line}\n" for line in lines).encode() for name, lines in files.items() if lines}

    def payload(self) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
        """Every tar member outside info/ with its content, in the order of `files`."""
        for path, entry in self.entries().items():
            yield _member(path, entry)
        yield from self.more_members

    def info_members(self) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
        """Every tar member below info/ with its content."""
        for path, content in self.info_files().items():
            mtime = self.about_mtime if path == "about.json" else MTIME
            yield _member(f"info/{path}", File(content, mtime=mtime))

    def write(self, folder: Path, suffix: str = ".conda") -> Path:
        """Write the archive into `folder`, in the format that `suffix` names, and return its path."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / self.file_name(suffix)
        if suffix == ".tar.bz2":
            parts = [list(self.info_members()), list(self.payload())]
            with tarfile.open(path, "w:bz2") as tar:
                for part in reversed(parts) if self.info_last else parts:
                    for member, content in part:
                        tar.addfile(member, io.BytesIO(content))
            return path
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            # A fixed date, so that the same package is the same archive.
            for name, content in (
                ("metadata.json", b'{"conda_pkg_format_version": 2}'),
                (f"pkg-{self.stem}.tar.zst", zstd.compress(_tar(self.payload()), 3)),
                (f"info-{self.stem}.tar.zst", zstd.compress(_tar(self.info_members()), 3)),
            ):
                archive.writestr(zipfile.ZipInfo(name), content)
        return path

    def extract(self, folder: Path) -> Path:
        """Write the package as a cache of extracted packages holds it, and return the package's folder."""
        target = folder / self.stem
        with tarfile.open(fileobj=io.BytesIO(_tar([*self.info_members(), *self.payload()]))) as tar:
            # Python before 3.11.4 has no filters, and needs none; later ones ask for one.
            tar.extraction_filter = lambda member, _: member
            tar.extractall(target)
        return target


def _member(path: str, entry: Entry) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(path)
    member.mtime = entry.mtime
    if isinstance(entry, File):
        member.mode, member.size = entry.mode, len(entry.content)
        return member, entry.content
    if isinstance(entry, Symlink):
        member.type, member.mode, member.linkname = tarfile.SYMTYPE, 0o777, entry.target
    elif isinstance(entry, HardLink):
        member.type, member.mode, member.linkname = tarfile.LNKTYPE, entry.mode, entry.target
    else:
        member.type, member.mode = tarfile.DIRTYPE, entry.mode
    return member, b""


def _path_entry(path: str, entry: Entry, entries: Mapping[str, Entry]) -> dict[str, Any]:
    if isinstance(entry, Folder):
        return {"_path": path, "path_type": "directory"}
    fields: dict[str, Any] = {"_path": path, "path_type": "softlink" if isinstance(entry, Symlink) else "hardlink"}
    if isinstance(entry, File | HardLink) and entry.placeholder is not None:
        fields["prefix_placeholder"] = entry.placeholder
        if entry.file_mode is not None:
            fields["file_mode"] = entry.file_mode
    if isinstance(entry, File) and entry.no_link:
        fields["no_link"] = True
    content = entries.get(entry.target) if isinstance(entry, HardLink) else entry
    if isinstance(content, File):
        fields["sha256"] = hashlib.sha256(content.content).hexdigest()
        fields["size_in_bytes"] = len(content.content)
    return fields


def _json(document: object) -> bytes:
    return json.dumps(document, indent=2, sort_keys=True).encode()


def _tar(members: Iterator[tuple[tarfile.TarInfo, bytes]] | Sequence[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for member, content in members:
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
