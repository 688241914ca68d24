"""A folder laid out like an environment becomes a `.conda` archive (CEP 35), with `info/` as CEP 34 asks for it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PLACEHOLDER = ("/opt/build/_h_env" + 30 * "_placehold")[:255]
"""What stands for the prefix in the files of these packages; as long as the one that conda-build takes."""

_LARGEST_TEXT = 8 << 20  # bytes; no text file with a prefix in it is nearly that long
_COMPRESSION_LEVEL = 7
_ARCHITECTURES = {"64": "x86_64"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What a package is besides its files. `timestamp` is in seconds since 1970."""

    name: str
    version: str
    build: str
    subdir: str
    depends: Sequence[str] = ()
    timestamp: int
    entry_points: Sequence[str] = ()
    """For `noarch: python`, which `subdir` "noarch" means here."""
    about: Mapping[str, str] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        return f"{self.name}-{self.version}-{self.build}"

    def index_json(self) -> dict[str, Any]:
        noarch = self.subdir == "noarch"
        system, _, architecture = self.subdir.partition("-")
        fields: dict[str, Any] = {
            "name": self.name,
            "version": self.version,
            "build": self.build,
            "build_number": 0,
            "depends": sorted(self.depends),
            "subdir": self.subdir,
            "arch": None if noarch else _ARCHITECTURES.get(architecture, architecture),
            "platform": None if noarch else system,
            "noarch": "python" if noarch else None,
            "license": self.about.get("license"),
            "timestamp": self.timestamp * 1000,
        }
        return {name: value for name, value in fields.items() if value is not None}


def write_package(recipe: Recipe, stage: Path, channel: Path) -> Path:
    """Write the files of the folder `stage` as a package into its subdir of `channel`, and return its path.

    Symbolic links and modification times are kept; text files that hold `PLACEHOLDER` are marked as such. The same
    files give the same bytes.
    """
    target = channel / recipe.subdir / f"{recipe.stem}.conda"
    target.parent.mkdir(parents=True, exist_ok=True)
    paths: list[dict[str, Any]] = []
    with tempfile.TemporaryFile() as payload:
        with zstd.open(payload, "wb", level=_COMPRESSION_LEVEL) as compressed, _tar(compressed) as tar:
            for path in _files(stage):
                paths.append(_add_file(tar, stage, path))
        info = io.BytesIO()
        with zstd.open(info, "wb", level=_COMPRESSION_LEVEL) as compressed, _tar(compressed) as tar:
            for name, document in _info_files(recipe, paths).items():
                content = json.dumps(document, indent=2, sort_keys=True).encode()
                member = tarfile.TarInfo(f"info/{name}")
                member.size, member.mtime = len(content), recipe.timestamp
                tar.addfile(member, io.BytesIO(content))
        payload.seek(0)
        partial = target.with_name(f".{target.name}")
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(zipfile.ZipInfo("metadata.json"), b'{"conda_pkg_format_version": 2}')
            with archive.open(zipfile.ZipInfo(f"pkg-{recipe.stem}.tar.zst"), "w", force_zip64=True) as member_file:
                while data := payload.read(1 << 20):
                    member_file.write(data)
            archive.writestr(zipfile.ZipInfo(f"info-{recipe.stem}.tar.zst"), info.getvalue())
        partial.replace(target)
    return target


def _tar(stream: zstd.ZstdFile) -> tarfile.TarFile:
    return tarfile.open(fileobj=cast(IO[bytes], stream), mode="w|", format=tarfile.PAX_FORMAT, bufsize=1 << 20)


def _files(stage: Path) -> Iterator[str]:
    """Return every file and link below `stage` as a relative path, sorted."""
    found = []
    for folder, folders, names in os.walk(stage):
        links = [name for name in folders if Path(folder, name).is_symlink()]
        found += [Path(folder, name).relative_to(stage).as_posix() for name in (*names, *links)]
    yield from sorted(found)


def _add_file(tar: tarfile.TarFile, stage: Path, path: str) -> dict[str, Any]:
    source = stage / path
    status = source.lstat()
    member = tarfile.TarInfo(path)
    member.mtime = int(status.st_mtime)
    if source.is_symlink():
        member.type, member.linkname, member.mode = tarfile.SYMTYPE, str(source.readlink()), 0o777
        tar.addfile(member)
        entry: dict[str, Any] = {"_path": path, "path_type": "softlink"}
        # CEP 34: those of the file that the link leads to.
        return entry | (_measure(source)[0] if source.is_file() else {})
    member.size = status.st_size
    member.mode = 0o775 if status.st_mode & 0o100 else 0o664
    measured, placeholder = _measure(source)
    with source.open("rb") as stream:
        tar.addfile(member, stream)
    entry = {"_path": path, "path_type": "hardlink", **measured}
    if placeholder:
        entry |= {"prefix_placeholder": PLACEHOLDER, "file_mode": "text"}
    return entry


def _measure(path: Path) -> tuple[dict[str, Any], bool]:
    """Return size and hash as paths.json has them, and whether the file is text with the placeholder in it."""
    hash_ = hashlib.sha256()
    size = 0
    placeholder = False
    with path.open("rb") as stream:
        while data := stream.read(_LARGEST_TEXT):
            hash_.update(data)
            placeholder = placeholder or (size == 0 and b"\0" not in data and PLACEHOLDER.encode() in data)
            size += len(data)
    return {"sha256": hash_.hexdigest(), "size_in_bytes": size}, placeholder


def _info_files(recipe: Recipe, paths: list[dict[str, Any]]) -> dict[str, Any]:
    files: dict[str, Any] = {
        "about.json": dict(recipe.about),
        "index.json": recipe.index_json(),
        "paths.json": {"paths": paths, "paths_version": 1},
    }
    if recipe.subdir == "noarch":
        noarch = {"type": "python", **({"entry_points": list(recipe.entry_points)} if recipe.entry_points else {})}
        files["link.json"] = {"noarch": noarch, "package_metadata_version": 1}
    return files
