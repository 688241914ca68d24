"""Files of this machine, or of its memory, as a layer."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from python_docker.errors import InvalidPath, NotFound
from python_docker.layer import Layer, build_layer
from python_docker.tar import EntryType, TarEntry, contained_path
from python_docker.timestamps import clamp, source_date_epoch

if TYPE_CHECKING:
    from python_docker.filesystem import FileSystem
    from python_docker.image import Filter

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


def placed_path(path: str, filesystem: Callable[[], FileSystem] | None) -> str:
    """Where `path` leads in an image: folders that are links in it followed; `filesystem` gives its file system."""
    clean = contained_path(path)
    if filesystem is None or not any(clean.startswith(f"{link}/") for link in _OFTEN_LINKS):
        return clean
    parent, _, name = clean.rpartition("/")
    return f"{filesystem().resolve(parent)}/{name}".lstrip("/")


def layer_of_contents(
    contents: Mapping[str, bytes], place: Callable[[str], str], *, filter: Filter | None = None
) -> Layer:
    """A layer of files in memory, `{path in the image: content}`."""
    files: dict[str, tuple[TarEntry, bytes]] = {}
    for path, content in contents.items():
        info = tarfile.TarInfo(contained_path(path))
        info.size = len(content)
        info.mtime = source_date_epoch() or 0
        info.mode = 0o644
        entry = _filtered(info, filter, place)
        if entry is not None:
            files[entry.path] = (entry, content)
    with build_layer(parent_mtime=source_date_epoch() or 0) as builder:
        for _, (entry, content) in sorted(files.items()):
            builder.add(entry, content)
    assert builder.layer is not None
    return builder.layer


def layer_of_paths(
    paths: Iterable[tuple[str | os.PathLike[str], str]],
    place: Callable[[str], str],
    *,
    recursive: bool = True,
    filter: Filter | None = None,
) -> Layer:
    """A layer of files and folders on disk, pairs of a path here and one in the image; see `Image.add_layer_paths`."""
    found: dict[str, tuple[TarEntry, Path]] = {}
    for path, arcpath in paths:
        source = Path(path)
        if not source.is_symlink() and not source.exists():
            raise NotFound(f"there is no {os.fspath(path)!r} to add to the image")
        for entry, file in _walk(source, arcpath, recursive, filter, place):
            found[entry.path] = (entry, file)
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
    source: Path, arcpath: str, recursive: bool, filter: Filter | None, place: Callable[[str], str]
) -> Iterator[tuple[TarEntry, Path]]:
    status = source.lstat()
    is_folder = source.is_dir() and not source.is_symlink()
    at_root = not [part for part in arcpath.split("/") if part and part != "."]
    if at_root and not is_folder:
        arcpath = source.name
        at_root = False
    if not at_root:
        info = _describe(source, status, contained_path(arcpath))
        entry = None if info is None else _filtered(info, filter, place)
        if entry is None:
            return
        yield entry, source
    if is_folder and recursive:
        for name in sorted(os.listdir(source)):
            yield from _walk(source / name, name if at_root else f"{arcpath}/{name}", recursive, filter, place)


def _describe(path: Path, status: os.stat_result, arcpath: str) -> tarfile.TarInfo | None:
    info = tarfile.TarInfo(arcpath)
    info.mode = status.st_mode & 0o7777
    info.mtime = clamp(status.st_mtime)
    if path.is_symlink():
        info.type = tarfile.SYMTYPE
        info.linkname = os.readlink(path)
    elif path.is_dir():
        info.type = tarfile.DIRTYPE
    elif path.is_fifo():
        info.type = tarfile.FIFOTYPE
    elif path.is_file():
        info.size = status.st_size
    else:
        return None  # a socket or device is this machine's, not the image's
    return info


def _filtered(info: tarfile.TarInfo, filter: Filter | None, place: Callable[[str], str]) -> TarEntry | None:
    if filter is not None:
        kept = filter(info)
        if kept is None:
            return None
        info = kept
    kind = _TYPES.get(info.type)
    if kind is None:
        raise InvalidPath(f"{info.name!r} has a type that cannot be added to an image")
    return TarEntry(
        place(info.name),
        kind,
        info.mode & 0o7777,
        info.size if kind is EntryType.FILE else 0,
        int(info.mtime),
        info.linkname if kind is EntryType.SYMLINK else "",
        info.uid,
        info.gid,
    )
