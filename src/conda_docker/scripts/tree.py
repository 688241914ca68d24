"""An image's merged files, laid out in a folder, and what became of them: the entries of one more layer."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from conda_docker.errors import ScriptFailed
from python_docker.errors import InvalidPath, reason_of
from python_docker.files.atomic import PartialFolder
from python_docker.image.filesystem import FileSystem
from python_docker.tar import WHITEOUT, EntryType, TarEntry

if TYPE_CHECKING:
    from python_docker.image.layer import Layer

_COPY_SIZE = 1 << 20
_LARGEST = 64 << 30  # bytes of all changed files: a script that leaves more, perhaps of holes, would never end
_MOUNTED = ("dev", "proc", "sys", "tmp", "run")
"""What a sandbox puts something else over: changes there are not the image's."""


class _Status(NamedTuple):
    """What shows whether a path has been touched. The time of its last change cannot be set by a program."""

    mode: int
    inode: int
    size: int
    modified: int
    changed: int
    target: str


@dataclass(frozen=True, slots=True)
class Tree:
    """Files laid out in `folder`; `before` is their state then, by path relative to it.

    `folders` are those of the image, with the owners and modes that they have there, and `owners` those of files that
    are not root's, as numbers. `files` are the image's: on disk, a link to `/bin/x` would lead to this machine's.
    """

    folder: Path
    before: dict[str, _Status]
    folders: Mapping[str, TarEntry] = field(default_factory=dict)
    owners: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    files: FileSystem = field(default_factory=lambda: FileSystem(()))


@contextmanager
def lay_out(layers: Sequence[Layer]) -> Iterator[Tree]:
    """Lay out the merged files of `layers`, bottom first, in a temporary folder that is removed afterwards.

    One that a process left which was killed is removed by the next.

    Owners, devices and set-user-ID bits are left out. Nothing is written outside of the folder: paths are those of the
    merged file system, in which no folder is a link. Raises `ScriptFailed` when the disk is full.
    """
    with PartialFolder(Path(gettempdir()), "conda-docker-tree", private=True) as partial:
        folder = partial.path
        files = FileSystem(layers)
        try:
            _write(files, layers, folder)
        except OSError as error:
            raise ScriptFailed(
                f"cannot lay out the image in {folder}: {reason_of(error)}; the environment variable TMPDIR can "
                "name another folder"
            ) from error
        entries = [member.entry for path in files if (member := files.get(path)) is not None]
        folders = {entry.path: entry for entry in entries if entry.type is EntryType.DIRECTORY}
        owners = {entry.path: (entry.uid, entry.gid) for entry in entries if entry.uid or entry.gid}
        yield Tree(folder, dict(_look(folder)), folders, owners, files)


def _write(files: FileSystem, layers: Sequence[Layer], root: Path) -> None:
    contents: dict[tuple[int, int], list[str]] = {}
    links: list[tuple[str, str]] = []
    for path in files:
        member = files.get(path)
        assert member is not None
        kind = member.entry.type
        if path in _MOUNTED and kind is not EntryType.DIRECTORY:
            continue  # a link would lead the sandbox elsewhere
        if kind is EntryType.DIRECTORY:
            (root / path).mkdir(parents=True, exist_ok=True)
            # Whoever runs this must be able to write in it.
            (root / path).chmod(member.entry.mode & 0o1777 | 0o700)
        elif kind is EntryType.SYMLINK:
            links.append((path, member.entry.link_target))
        elif member.content is not None and kind in (EntryType.FILE, EntryType.HARDLINK):
            contents.setdefault(member.content, []).append(path)
    for path in _MOUNTED:
        (root / path).mkdir(exist_ok=True)
    for number, layer in enumerate(layers):
        if not any(wanted == number for wanted, _ in contents):
            continue
        for ordinal, (entry, content) in enumerate(layer.entries()):
            paths = contents.get((number, ordinal))
            if paths and entry.type is EntryType.FILE:
                _write_file(root, paths, entry.mode, content)
    for path, target in links:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        os.symlink(target, root / path)  # noqa: PTH211 -- the text of the link, as it is


def _write_file(root: Path, paths: Sequence[str], mode: int, content: BinaryIO) -> None:
    first = root / paths[0]
    first.parent.mkdir(parents=True, exist_ok=True)
    with first.open("xb") as file:
        shutil.copyfileobj(content, file, _COPY_SIZE)
    first.chmod(mode & 0o777 | 0o400)
    for path in paths[1:]:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        os.link(first, root / path)


def _look(root: Path) -> Iterator[tuple[str, _Status]]:
    for folder, folders, files in os.walk(root):
        relative = os.path.relpath(folder, root)
        if relative == ".":
            folders[:] = [name for name in folders if name not in _MOUNTED]
        for name in (*folders, *files):
            path = name if relative == "." else f"{relative}/{name}"
            found = os.lstat(os.path.join(folder, name))  # noqa: PTH118 -- a hundred thousand times
            target = os.readlink(os.path.join(folder, name)) if stat.S_ISLNK(found.st_mode) else ""  # noqa: PTH115, PTH118
            if stat.S_ISDIR(found.st_mode):
                if found.st_mode & stat.S_IRWXU != stat.S_IRWXU:
                    # A script may have closed it to everybody; what is in it is there all the same.
                    os.chmod(os.path.join(folder, name), found.st_mode | stat.S_IRWXU)  # noqa: PTH101, PTH118
                # Its own times and size depend on what is in it.
                yield path, _Status(found.st_mode, 0, 0, 0, 0, "")
            else:
                times = found.st_mtime_ns, found.st_ctime_ns
                yield path, _Status(found.st_mode, found.st_ino, found.st_size, *times, target)


def changes(
    tree: Tree, time: int, *, leave_out: Callable[[str], object] = lambda path: None
) -> Iterator[tuple[TarEntry, bytes | BinaryIO]]:
    """Return the entries of a layer that makes of the files what they have become, sorted by path.

    What is gone becomes a whiteout (image-spec, layer.md). What was there before keeps its owner, and folders that are
    only on the way their mode; all else is root's. Set-user-ID bits are dropped, and times are no later than `time`, in
    seconds since 1970. `leave_out` is called, before the first entry, with the paths of sockets and devices, which are
    this machine's. A content can be read until the next entry is asked for. Raises `InvalidPath` for what no layer can
    hold, and for more than 64 GiB.
    """
    after = _look_after(tree.folder)
    entries: dict[str, TarEntry] = {}
    gone = tree.before.keys() - after.keys()
    for path, status in after.items():
        if tree.before.get(path) == status:
            continue
        _check_name(path)
        if stat.S_ISDIR(status.mode):
            entries[path] = TarEntry(path, EntryType.DIRECTORY, status.mode & 0o1777, 0, time)
        elif stat.S_ISLNK(status.mode):
            entries[path] = TarEntry(path, EntryType.SYMLINK, 0o777, 0, time, status.target)
        elif stat.S_ISREG(status.mode):
            modified = min(status.modified // 1_000_000_000, time)
            entries[path] = TarEntry(path, EntryType.FILE, status.mode & 0o777, status.size, modified)
        elif stat.S_ISFIFO(status.mode):
            entries[path] = TarEntry(path, EntryType.FIFO, status.mode & 0o777, 0, time)
        else:
            leave_out(path)
            gone.add(path)
    size = sum(entry.size for entry in entries.values())
    if size > _LARGEST:
        largest = max(entries.values(), key=lambda entry: entry.size)
        raise InvalidPath(f"{size} bytes, most of them in {largest.path[:200]!r}; {_LARGEST} are the most")
    for path in list(entries):
        # A layer states the folders on the way; as they are, or a private one would be opened.
        while path := path.rpartition("/")[0]:
            entries.setdefault(path, _on_the_way(tree, path, after[path], time))
    for path in gone & tree.before.keys():
        parent, _, name = path.rpartition("/")
        above = after.get(parent)
        # Below what is gone, or has become a file, nothing more need be said.
        if not parent or (above is not None and stat.S_ISDIR(above.mode)):
            entries[path] = TarEntry(f"{parent}/{WHITEOUT}{name}" if parent else f"{WHITEOUT}{name}", mtime=time)
    for path, owner in tree.owners.items():
        if path in entries and entries[path].path == path:
            entries[path] = entries[path]._replace(uid=owner[0], gid=owner[1])
    for path, entry in sorted(entries.items()):
        if entry.type is EntryType.FILE and entry.path == path:
            if not entry.mode & stat.S_IRUSR:
                (tree.folder / path).chmod(entry.mode | stat.S_IRUSR)
            with (tree.folder / path).open("rb") as content:
                yield entry, content
        else:
            yield entry, b""


def _on_the_way(tree: Tree, path: str, status: _Status, time: int) -> TarEntry:
    """Return a folder that a layer states since something in it has changed."""
    was = tree.folders.get(path)
    mode = status.mode & 0o1777 if was is None or tree.before.get(path) != status else was.mode
    return TarEntry(path, EntryType.DIRECTORY, mode, 0, time)


def _look_after(root: Path) -> dict[str, _Status]:
    try:
        return dict(_look(root))
    except OSError as error:
        path = os.path.relpath(str(error.filename), root)
        raise InvalidPath(f"{path[:200]!r}: {reason_of(error)}") from error


def _check_name(path: str) -> None:
    name = path.rpartition("/")[2]
    if name.startswith(WHITEOUT):
        raise InvalidPath(f"{path[:200]!r}: in a layer, names that begin with {WHITEOUT} delete other files")
