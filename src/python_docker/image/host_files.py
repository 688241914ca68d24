"""Files of this machine, or of its memory, as a layer."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from python_docker.argument_types import check_path, check_type
from python_docker.errors import InvalidPath, NotFound
from python_docker.image.layer import Layer
from python_docker.image.layer_builder import build_layer
from python_docker.spec.timestamps import clamp, source_date_epoch
from python_docker.tar import WHITEOUT, EntryType, TarEntry, clamped_path, contained_path

if TYPE_CHECKING:
    from python_docker.image.filesystem import FileSystem

Filter = Callable[[tarfile.TarInfo], "tarfile.TarInfo | None"]
"""Returns a member of a layer, changed or not, or None to leave it out."""
Place = Callable[[str, bool], "str | None"]
"""Tells where a path leads in an image; True for a folder's. None: it is there already."""

# Folders that are links in today's distributions (Debian's merged /usr, /var/run): an entry for them would replace
# the link and hide what it leads to. Only for these must the layers below be read.
_OFTEN_LINKS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "var/run", "var/lock")
_TYPES = {
    tarfile.REGTYPE: EntryType.FILE,
    tarfile.AREGTYPE: EntryType.FILE,
    tarfile.DIRTYPE: EntryType.DIRECTORY,
    tarfile.SYMTYPE: EntryType.SYMLINK,
    tarfile.FIFOTYPE: EntryType.FIFO,
}


def pairs_of(paths: object) -> Iterator[tuple[str | os.PathLike[str], str]]:
    """Yield paths here with paths in the image. Raises `TypeError` for anything else."""
    if not isinstance(paths, Iterable) or isinstance(paths, str | bytes):
        check_type("paths", paths, Mapping, "such as {'src/app.py': '/srv/app.py'}")
        return
    for pair in paths.items() if isinstance(paths, Mapping) else paths:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            check_type("each of paths", pair, tuple, "a path here and one in the image")
            raise ValueError(f"each of paths must be a path here and one in the image, not {repr(pair)[:80]}")
        path, arcpath = pair
        check_path("a path of paths", path)
        check_type(f"paths[{str(path)[:80]!r}]", arcpath, str, "a path in the image")
        yield path, arcpath


def placing(filesystem: Callable[[], FileSystem] | None) -> Place:
    """Return what places new files so that none of their folders replaces a link of lower layers, such as /lib.

    `filesystem` gives the merged file system of these, None where there are none. A folder that is a link in it is not
    placed at all: what the link leads to is there already, with the right owner and mode.
    """

    def place(path: str, is_folder: bool) -> str | None:
        clean = contained_path(path)
        if filesystem is None or not any(clean == link or clean.startswith(f"{link}/") for link in _OFTEN_LINKS):
            return clean
        parent, _, name = clean.rpartition("/")
        placed = f"{filesystem().resolve(parent)}/{name}".lstrip("/")
        return None if is_folder and filesystem().resolve(placed) != placed else placed

    return place


def check_there(path: Path) -> None:
    """Raise `NotFound` if there is nothing at a path; a link may lead nowhere."""
    if not path.is_symlink() and not path.exists():
        raise NotFound(f"there is no {str(path)!r} to add to the image")


def layer_of_contents(contents: Mapping[str, bytes], place: Place, *, filter: Filter | None = None) -> Layer:
    """Return a layer of files in memory, `{path in the image: content}`."""
    files: dict[str, tuple[TarEntry, bytes]] = {}
    for path, content in contents.items():
        info = tarfile.TarInfo(contained_path(path))
        info.size = len(content)
        info.mtime = source_date_epoch() or 0
        info.mode = 0o644
        kept = _kept(info, filter)
        entry = None if kept is None else _entry(kept, place)
        if entry is not None:
            # A filter cannot change the content, so neither its size.
            files[entry.path] = (entry._replace(size=len(content) if entry.type is EntryType.FILE else 0), content)
    with build_layer(parent_mtime=source_date_epoch() or 0) as builder:
        for _, (entry, content) in sorted(files.items()):
            builder.add(entry, content)
    assert builder.layer is not None
    return builder.layer


def layer_of_paths(
    paths: Iterable[tuple[str | os.PathLike[str], str]],
    place: Place,
    *,
    recursive: bool = True,
    filter: Filter | None = None,
    folders: Callable[[str], TarEntry | None] = lambda path: None,
) -> Layer:
    """Return a layer of files and folders on disk, pairs of a path here and one in the image; see
    `Image.add_layer_paths`.

    `folders` gives those that the image has already, with their owners and modes, which stay as they are.
    """
    found: dict[str, tuple[TarEntry, Path]] = {}
    for path, arcpath in paths:
        source = Path(path)
        check_there(source)
        for entry, file in _walk(source, arcpath, recursive, filter, place):
            found[entry.path] = (entry, file)
    for path in list(found):
        while path := path.rpartition("/")[0]:
            if path not in found and (folder := folders(path)) is not None:
                found[path] = (folder, Path())
    with build_layer(parent_mtime=source_date_epoch() or 0) as builder:
        inodes: dict[tuple[int, int], str] = {}
        for _, (entry, file) in sorted(found.items()):
            if entry.type is not EntryType.FILE:
                builder.add(entry)
                continue
            with file.open("rb") as stream:
                status = os.fstat(stream.fileno())
                key = (status.st_dev, status.st_ino)
                if status.st_nlink > 1 and key in inodes:
                    builder.add(entry._replace(type=EntryType.HARDLINK, size=0, link_target=inodes[key]))
                    continue
                inodes[key] = entry.path
                # The size at this moment: a file that grows while it is read is cut there.
                builder.add(entry._replace(size=status.st_size), stream)
    assert builder.layer is not None
    return builder.layer


def _walk(
    source: Path, arcpath: str, recursive: bool, filter: Filter | None, place: Place
) -> Iterator[tuple[TarEntry, Path]]:
    if not clamped_path(arcpath) and not _is_folder(source):
        arcpath = source.name
    todo = [(source, arcpath)]
    while todo:
        path, arcpath = todo.pop()
        at_root = not clamped_path(arcpath)
        if not at_root:
            info = _describe(path, contained_path(arcpath))
            kept = None if info is None else _kept(info, filter)
            if kept is None:
                continue
            entry = _entry(kept, place)
            if entry is not None:
                if any(part.startswith(WHITEOUT) for part in entry.path.split("/")):
                    raise InvalidPath(
                        f"{os.fspath(path)!r} cannot be added: in an image, a name that begins with {WHITEOUT} deletes "
                        "another file (image-spec, layer.md); rename it, or leave it out"
                    )
                yield entry, path
        if recursive and _is_folder(path):
            names = sorted(os.listdir(path), reverse=True)
            todo.extend((path / name, name if at_root else f"{arcpath}/{name}") for name in names)


def _is_folder(path: Path) -> bool:
    return stat.S_ISDIR(path.lstat().st_mode)


def link_target(path: Path) -> str:
    """Return where a symbolic link leads, as an image has it: as it is, and with slashes where Windows has others."""
    target = os.readlink(path)  # noqa: PTH115 (a Path would tidy it up)
    return target.removeprefix("\\\\?\\").replace("\\", "/") if os.name == "nt" else target


def _describe(path: Path, arcpath: str) -> tarfile.TarInfo | None:
    status = path.lstat()
    info = tarfile.TarInfo(arcpath)
    # Windows does not know who may run a file: Docker lets everybody run all that comes from there, too.
    info.mode = 0o755 if os.name == "nt" else stat.S_IMODE(status.st_mode)
    info.mtime = clamp(status.st_mtime)
    if stat.S_ISLNK(status.st_mode):
        info.type = tarfile.SYMTYPE
        info.linkname = link_target(path)
    elif stat.S_ISDIR(status.st_mode):
        info.type = tarfile.DIRTYPE
    elif stat.S_ISFIFO(status.st_mode):
        info.type = tarfile.FIFOTYPE
    elif stat.S_ISREG(status.st_mode):
        info.size = status.st_size
    else:
        return None  # a socket or device is this machine's, not the image's
    return info


def _kept(info: tarfile.TarInfo, filter: Filter | None) -> tarfile.TarInfo | None:
    return info if filter is None else filter(info)


def _entry(info: tarfile.TarInfo, place: Place) -> TarEntry | None:
    kind = _TYPES.get(info.type)
    if kind is None:
        raise InvalidPath(f"{info.name!r} has a type that cannot be added to an image")
    path = place(info.name, kind is EntryType.DIRECTORY)
    if path is None:
        return None
    return TarEntry(
        path,
        kind,
        info.mode & 0o7777,
        info.size if kind is EntryType.FILE else 0,
        int(info.mtime),
        info.linkname if kind is EntryType.SYMLINK else "",
        info.uid,
        info.gid,
    )
