"""Packages that a client has extracted into its cache: the same members as the archive's, read from a folder."""

from __future__ import annotations

import errno
import io
import os
import posixpath
import stat
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from conda_docker.errors import InvalidPackage
from conda_docker.package.metadata import PackageMetadata, PathEntry, PathType
from python_docker.errors import ContentMismatch
from python_docker.files.regular import read_regular_file
from python_docker.spec.digest import Digest, VerifyingReader
from python_docker.tar import EntryType, TarEntry

_EMPTY = io.BytesIO()
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)  # of Unix, of Windows


def read_extracted_info(folder: Path, names: Collection[str], limit: int) -> tuple[dict[str, bytes], int]:
    """Return the contents of those files below `info/` that are there, and the time of `about.json`.

    Raises `InvalidPackage` for one of more than `limit` bytes.
    """
    files: dict[str, bytes] = {}
    times: dict[str, int] = {}
    for name in sorted(names):
        try:
            files[name] = read_regular_file(folder / "info" / name, limit)
            times[name] = int((folder / "info" / name).stat().st_mtime)
        except FileNotFoundError:
            continue
        except OSError as error:
            if error.errno == errno.EFBIG:
                raise InvalidPackage(f"{folder.name}: info/{name} has more than {limit} bytes") from error
            raise
    return files, times.get("about.json", times.get("index.json", 0))


def path_order(path: str) -> str:
    """Return a key that sorts paths by their parts, as rattler does: `a/b` before `a-b/c`.

    >>> sorted(["a-b/c", "a/b", "a"], key=path_order)
    ['a', 'a/b', 'a-b/c']
    """
    # No path holds a NUL, and nothing sorts before it.
    return path.replace("/", "\0")


def extracted_members(folder: Path, metadata: PackageMetadata) -> Iterator[tuple[TarEntry, BinaryIO]]:
    """Yield what the manifest lists, sorted by path, each with a reader that checks size and SHA-256 where they are
    known.

    Environments share these files by hard links, so one that was edited in an environment has changed here too:
    reading it raises `ContentMismatch`. A file that is missing is passed over. Raises `InvalidPackage` for what is no
    file, and for one that a link on the way takes out of the folder.
    """
    root = os.path.realpath(folder)
    folders: set[str] = set()
    first: dict[tuple[int, int], PathEntry] = {}
    for entry in sorted(metadata.paths, key=lambda entry: path_order(entry.path)):
        path = entry.path
        parent = posixpath.dirname(path)
        if parent not in folders:
            real = os.path.realpath(f"{root}/{parent}")
            if real != root and not real.startswith(root + os.sep):
                raise InvalidPackage(f"{folder.name}: a link takes {path[:200]!r} out of the package")
            folders.add(parent)
        full = f"{root}/{path}"
        try:
            status = os.lstat(full)
        except (FileNotFoundError, NotADirectoryError):
            continue
        mode, kind, mtime = stat.S_IMODE(status.st_mode), stat.S_IFMT(status.st_mode), int(status.st_mtime)
        if kind == stat.S_IFREG:
            if status.st_nlink > 1:
                inode = (status.st_dev, status.st_ino)
                same = first.setdefault(inode, entry)
                target = same.path
                if target != path:
                    if None not in (same.sha256, entry.sha256) and same.sha256 != entry.sha256:
                        raise ContentMismatch(f"{folder.name}/{path} has become the same file as {target}")
                    yield TarEntry(path, EntryType.HARDLINK, mode, 0, mtime, target), _EMPTY
                    continue
            with _open(full, entry, status.st_size, folder.name) as stream:
                yield TarEntry(path, EntryType.FILE, mode, status.st_size, mtime), stream
        elif entry.sha256 is not None and entry.type is PathType.HARDLINK and kind in (stat.S_IFLNK, stat.S_IFDIR):
            raise ContentMismatch(f"{folder.name}/{path} is a link or a folder instead of a file")
        elif kind == stat.S_IFLNK:
            yield TarEntry(path, EntryType.SYMLINK, 0o777, 0, mtime, os.readlink(full)), _EMPTY  # noqa: PTH115
        elif kind == stat.S_IFDIR:
            yield TarEntry(path, EntryType.DIRECTORY, mode, 0, mtime), _EMPTY
        else:
            raise InvalidPackage(f"{folder.name}: {path[:200]!r} is neither a file nor a link nor a folder")


def _open(path: str, entry: PathEntry, size: int, what: str) -> BinaryIO:
    if entry.size is not None and entry.size != size:
        raise ContentMismatch(f"{what}/{entry.path} has {size} bytes instead of {entry.size}")
    # It was a file a moment ago; a link in its place now must not be followed.
    stream = os.fdopen(os.open(path, os.O_RDONLY | _NO_FOLLOW), "rb", buffering=0)
    if entry.sha256 is None:
        return cast("BinaryIO", stream)
    digest = Digest("sha256:" + entry.sha256)
    return cast("BinaryIO", VerifyingReader(cast("BinaryIO", stream), digest, size, f"{what}/{entry.path}"))
