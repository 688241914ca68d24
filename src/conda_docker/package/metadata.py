"""PackageMetadata: what `info/` says of a package (CEP 34; legacy files as conda and rattler read them)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from conda_docker.errors import InvalidPackage
from conda_docker.package.entry_points import EntryPoint, parse_entry_points
from conda_docker.package.info_json import parse_info_json
from python_docker.errors import InvalidPath
from python_docker.spec.timestamps import LAST_SECOND
from python_docker.tar import contained_path

METADATA_FILES = frozenset(
    {"index.json", "paths.json", "link.json", "package_metadata.json", "about.json"}
    | {"files", "has_prefix", "no_link", "no_softlink"}
)
"""The files below `info/` that decide how a package is linked."""

_LEGACY_PLACEHOLDER = "/opt/anaconda1anaconda2anaconda3"
# Finds, in paths joined by NULs, what `contained_path` would change or refuse, and what is no Unicode text.
_SUSPECT = ("//", "/.", "\0.", "\0/", "/\0", "\0\0")  # in paths with NULs around them: what a clean path has none of
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TOKEN = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|(\S+))""")


class PathType(StrEnum):
    """How an entry of `paths.json` is installed."""

    HARDLINK = "hardlink"
    SOFTLINK = "softlink"
    DIRECTORY = "directory"


class FileMode(StrEnum):
    """How a placeholder is replaced in a file."""

    TEXT = "text"
    BINARY = "binary"


class PathEntry(NamedTuple):
    """A file that a package installs.

    `path` is relative to the package's root and proved to stay in it. `type` is None where only the archive knows
    (legacy packages). `placeholder` is the prefix that the file was built with, None where nothing is to be replaced.
    `size` is in bytes, before any replacement.
    """

    path: str
    type: PathType | None = PathType.HARDLINK
    placeholder: str | None = None
    file_mode: FileMode | None = None
    no_link: bool = False
    sha256: str | None = None
    size: int | None = None


_ORIGIN = ("remote_url", "sha", "flow_run_id", "attestations_sha256")
_LONGEST = 1000  # characters of a statement


@dataclass(frozen=True, slots=True)
class PackageMetadata:
    """What a package says of itself.

    `index` is `index.json` as it stands; `noarch` is "python", "generic" or None. `paths` are in the manifest's
    order. `timestamp` is when the package was made, in seconds since 1970: `index.json`'s own, else the time of
    `about.json` in the archive. `notes` say what of it cannot be used and is left out. `about` is `about.json` as it
    stands, where it was read.
    """

    name: str
    version: str
    build: str
    index: Mapping[str, Any]
    noarch: str | None
    paths: tuple[PathEntry, ...]
    entry_points: tuple[EntryPoint, ...]
    timestamp: int
    notes: tuple[str, ...] = ()
    about: bytes = b""

    @property
    def stem(self) -> str:
        """The package's file name without its suffix, such as `numpy-1.26.4-py312h_0`."""
        return f"{self.name}-{self.version}-{self.build}"


def parse_metadata(files: Mapping[str, bytes], about_mtime: int, what: str) -> PackageMetadata:
    """Return the metadata in `files`, which maps names below `info/` (see `METADATA_FILES`) to contents.

    `about_mtime` is the time of `about.json`, in seconds since 1970; `what` names the package in messages. Raises
    `InvalidPackage`.

    >>> info = {"index.json": b'{"name": "a", "version": "1", "build": "0"}', "files": b"bin/a"}
    >>> parse_metadata(info, 0, "a-1-0.conda").paths[0].path
    'bin/a'
    """
    if "index.json" not in files:
        raise InvalidPackage(f"{what} is not a conda package: it has no info/index.json")
    index = parse_info_json(files["index.json"], "info/index.json", what)
    name, version, build = (_identity(index, field, what) for field in ("name", "version", "build"))
    noarch = _noarch(index.get("noarch"), what)
    paths = _parse_paths(files["paths.json"], what) if "paths.json" in files else _parse_legacy(files, what)
    entry_points, unusable = parse_entry_points(_entry_point_rows(files, what) if noarch == "python" else ())
    notes = tuple(f"{name}: the entry point {row} cannot be used and is left out" for row in unusable)
    timestamp = _timestamp(index.get("timestamp"))
    return PackageMetadata(
        name,
        version,
        build,
        index,
        noarch,
        paths,
        entry_points,
        about_mtime if timestamp is None else timestamp,
        notes,
        files.get("about.json", b""),
    )


def stated_origin(about: bytes) -> dict[str, str]:
    """Return what `about.json` says of where a package was built from (CEP 31); nothing where it is malformed.

    >>> stated_origin(b'{"extra": {"remote_url": "https://example.com/feedstock", "sha": "0123"}}')
    {'remote_url': 'https://example.com/feedstock', 'sha': '0123'}
    """
    try:
        value = parse_info_json(about or b"{}", "info/about.json", "a package")
    except InvalidPackage:
        return {}
    extra = value.get("extra")
    stated = {**(extra if isinstance(extra, dict) else {}), **value}
    return {name: text for name in _ORIGIN if isinstance(text := stated.get(name), str) and 0 < len(text) <= _LONGEST}


def _identity(index: Mapping[str, Any], field: str, what: str) -> str:
    value = index.get(field)
    # They become part of a file name in conda-meta.
    if not isinstance(value, str) or not value or not value.isprintable() or re.search(r"[/\\\ud800-\udfff]", value):
        raise InvalidPackage(f"{what}: info/index.json has no usable {field}: {str(value)[:80]!r}")
    return value


def _noarch(value: Any, what: str) -> str | None:
    if value is None or value is False:
        return None
    if value is True:
        return "generic"  # as it was written before there was noarch: python
    if value in ("python", "generic"):
        return str(value)
    raise InvalidPackage(f"{what}: info/index.json has an unknown noarch: {str(value)[:80]!r}")


def _timestamp(value: Any) -> int | None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= LAST_SECOND * 1000:
        return None
    # Milliseconds, but for old packages, which have seconds; told apart as conda does.
    return int(value / 1000 if value > LAST_SECOND else value)


def _parse_paths(content: bytes, what: str) -> tuple[PathEntry, ...]:
    rows = parse_info_json(content, "info/paths.json", what).get("paths")
    if not isinstance(rows, list):
        raise InvalidPackage(f"{what}: info/paths.json has no list of paths")
    types = {None: PathType.HARDLINK} | {member.value: member for member in PathType}
    modes = {member.value: member for member in FileMode}
    is_sha256 = _SHA256.fullmatch
    entries = []
    row: Any = None
    try:
        for row in rows:
            get = row.get
            kind, placeholder, mode = types[get("path_type")], get("prefix_placeholder"), None
            if placeholder is not None:
                # As in rattler: without a mode that is known nothing is replaced. As in conda: nor is a link.
                mode = modes.get(get("file_mode")) if kind is PathType.HARDLINK else None
                placeholder = _text(placeholder) if mode else None
            sha256, size = get("sha256"), get("size_in_bytes")
            if sha256 is not None and not is_sha256(sha256):
                sha256 = _sha256(sha256)
            if size is not None and (type(size) is not int or size < 0):
                raise ValueError(f"not a size: {size!r}")
            no_link = get("no_link") is True
            entries.append(PathEntry(_text(row["_path"]), kind, placeholder, mode, no_link, sha256, size))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InvalidPackage(f"{what}: info/paths.json has an entry that cannot be read: {str(row)[:200]}") from error
    return _contained(entries, "info/paths.json", what)


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError(f"not a string: {value!r}")
    return value


def _sha256(text: str) -> str:
    """Return the digits of a SHA-256 that is not spelled as usual, in small letters."""
    digest = bytes.fromhex(text)
    if len(digest) != 32:
        raise ValueError(f"not a SHA-256: {text[:80]!r}")
    return digest.hex()


def _contained(entries: list[PathEntry], where: str, what: str) -> tuple[PathEntry, ...]:
    """Return the entries with paths that are proved to stay in the package; those below `info/` are never installed."""
    joined = "\0".join(["", *[entry.path for entry in entries], ""])
    clean = joined.isascii() and joined.count("\0") == len(entries) + 1
    # One look at all of them is ten times as fast as one at each.
    if not clean or any(part in joined for part in _SUSPECT):
        for place, entry in enumerate(entries):
            try:
                if entry.path.startswith("/"):
                    raise InvalidPath(f"an absolute path: {entry.path[:200]!r}")
                entry.path.encode()
                entries[place] = entry._replace(path=contained_path(entry.path))
            except (InvalidPath, UnicodeEncodeError) as error:
                raise InvalidPackage(
                    f"{what}: {where} lists {entry.path[:200]!r}, which cannot be a file of a package"
                ) from error
    # CEP 34: paths.json must not list them.
    return tuple([entry for entry in entries if not entry.path.startswith("info/")])


def _parse_legacy(files: Mapping[str, bytes], what: str) -> tuple[PathEntry, ...]:
    """Return the paths of a package from before `paths.json`: `files`, with `has_prefix` and `no_link` next to it."""
    if "files" not in files:
        raise InvalidPackage(f"{what} has neither info/paths.json nor info/files, so its files are unknown")
    no_link = {line for name in ("no_link", "no_softlink") for line in _lines(files, name, what)}
    prefixes: dict[str, tuple[str, FileMode]] = {}
    for line in _lines(files, "has_prefix", what):
        tokens = [next(filter(None, token), "") for token in _TOKEN.findall(line.rstrip())]
        if len(tokens) == 1:
            prefixes[tokens[0]] = (_LEGACY_PLACEHOLDER, FileMode.TEXT)
        elif len(tokens) == 3 and tokens[1] in ("text", "binary"):
            prefixes[tokens[2]] = (tokens[0], FileMode(tokens[1]))
        else:
            raise InvalidPackage(f"{what}: info/has_prefix has a line that cannot be read: {line[:200]!r}")
    entries = []
    for path in _lines(files, "files", what):
        placeholder, mode = prefixes.get(path, (None, None))
        entries.append(PathEntry(path, None, placeholder, mode, path in no_link))
    return _contained(entries, "info/files", what)


def _lines(files: Mapping[str, bytes], name: str, what: str) -> Iterable[str]:
    try:
        text = files.get(name, b"").decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidPackage(f"{what}: info/{name} is not UTF-8") from error
    return [line.strip() for line in text.split("\n") if line.strip()]


def _entry_point_rows(files: Mapping[str, bytes], what: str) -> list[Any]:
    name = "link.json" if "link.json" in files else "package_metadata.json"
    if name not in files:
        return []
    noarch = parse_info_json(files[name], f"info/{name}", what).get("noarch")
    rows = noarch.get("entry_points") if isinstance(noarch, dict) else None
    if rows is None:
        return []
    if not isinstance(rows, list):
        raise InvalidPackage(f"{what}: info/{name} has entry points that are not a list")
    return rows
