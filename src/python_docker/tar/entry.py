"""One member of a tar, and the two functions that prove where its path leads."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

from python_docker.errors import InvalidPath

WHITEOUT = ".wh."
"""How the names begin that delete files of lower layers (image-spec, layer.md, "Whiteouts")."""


class EntryType(Enum):
    """What a member is; the values are tar's type flags."""

    FILE = b"0"
    HARDLINK = b"1"
    SYMLINK = b"2"
    CHARACTER_DEVICE = b"3"
    BLOCK_DEVICE = b"4"
    DIRECTORY = b"5"
    FIFO = b"6"


NO_XATTRS: Mapping[str, bytes] = MappingProxyType({})


class TarEntry(NamedTuple):
    """A member of a tar, without its content.

    `path` and `link_target` are strings whose bytes that are not UTF-8 are surrogate escapes (PEP 383); `size` is in
    bytes and 0 for all but files; `mtime` in whole seconds since 1970; `mode` holds the permission bits only.
    """

    path: str
    type: EntryType = EntryType.FILE
    mode: int = 0o644
    size: int = 0
    mtime: int = 0
    link_target: str = ""
    uid: int = 0
    gid: int = 0
    device: tuple[int, int] = (0, 0)
    xattrs: Mapping[str, bytes] = NO_XATTRS


def _is_clean(path: str) -> bool:
    """Return whether a path is surely one that `contained_path` and `clamped_path` would give back as it is."""
    return bool(path) and not ("/." in path or "//" in path or path[0] in "/." or path[-1] == "/" or "\0" in path)


def contained_path(path: str) -> str:
    """Return `path` relative to the root that it stays in, without `./`, doubled and trailing slashes.

    A leading slash stands for that root. Raises `InvalidPath` for an empty path, one with `..` or with a NUL.

    >>> contained_path("/opt//conda/./bin/")
    'opt/conda/bin'
    """
    # What `_is_clean` says, without a call: nearly all paths end here.
    if path and not ("/." in path or "//" in path or path[0] in "/." or path[-1] == "/" or "\0" in path):
        return path
    if "\0" in path:
        raise InvalidPath(f"a path may not hold a NUL: {path[:200]!r}")
    parts = [part for part in path.split("/") if part and part != "."]
    if not parts:
        raise InvalidPath(f"not a path below the root: {path[:200]!r}")
    if ".." in parts:
        raise InvalidPath(f"a path may not hold '..': {path[:200]!r}")
    return "/".join(parts)


def clamped_path(path: str) -> str:
    """Return `path` relative to the root, `..` going no further up than the root, as container engines read layers.

    The root itself is the empty text.

    >>> clamped_path("../../etc/./passwd")
    'etc/passwd'
    """
    if _is_clean(path):
        return path
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if parts:
                parts.pop()
        elif part and part != ".":
            parts.append(part)
    return "/".join(parts)
