"""read_base_system: what the layers of a base image say of its system: C library, shell, users, folders.

Read once and remembered by the image's ID.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.cache.folder import CacheFolder, NoteKind
from conda_docker.image.base.accounts import ACCOUNTS, groups_of, users_of
from conda_docker.image.base.folder import Folder
from conda_docker.image.base.system import DEEPEST, LOADERS, BaseSystem, from_note, to_note
from python_docker.errors import InvalidLayer, NotFound
from python_docker.image.filesystem import FileSystem
from python_docker.tar import EntryType

if TYPE_CHECKING:
    from python_docker.image import Image
    from python_docker.image.layer import Layer

_SHELLS = ("sh", "bash")
# Also where the glibc packages for Alpine put it.
_LIBC = re.compile(
    r"(?:usr/(?:glibc-compat/)?)?lib(?:64|32)?/(?:[a-z0-9_]+-linux-gnu[a-z0-9_]*/)?libc(?:\.so\.6|-(\d+\.\d+)\.so)"
)
_LIBC_VERSION = re.compile(rb"GNU C Library [^\n]{0,200}?version (\d+\.\d+)")
_LARGEST = 64 << 20  # bytes of a library that is read
_LARGEST_LIST = 4 << 20  # bytes of a list of accounts: fifty thousand of them
_WHOLE = 150 << 20
"""Bytes of compressed layers up to which all of them are read. Of larger images: the layers up to the one that brings
the shell, and as many of the others, the smallest first. Links, owners and accounts come with small layers; gigabytes
of programs, which a push may never need here, stay where they are."""
_FULL = re.compile(r"(?:usr/)?(?:bin|include|lib[^/]*|sbin|share)/|(?:boot|dev|etc|proc|run|sys)/|var/(?:cache|lib)/")
"""Where a system has its many files, which are not kept in mind."""
_LOGIN_SCRIPT = re.compile(r"(?:^|/)etc/profile\.d/conda-docker[0-9]*\.sh$")


def read_base_system(image: Image, cache_dir: Path, *, accounts: bool = False) -> BaseSystem:
    """Return what is known of the system in an image, remembered in `cache_dir` by the image's ID.

    Of a large image, only the lower layers and small ones are read; with `accounts`, all of them are, for its users,
    their groups and what is theirs.
    Layers that do not make a file system end in a `BaseSystem` with a `problem`: a build that copies them into its
    image does not need to understand them.
    """
    system = _remembered_or_read(image, cache_dir, _read)
    if not accounts or not is_large(image):
        return system
    whole = _remembered_or_read(image, cache_dir, _read_whole, "-whole")
    return replace(
        system,
        folders=whole.folders,
        users=whole.users,
        groups=whole.groups,
        passwd=whole.passwd,
        group=whole.group,
        problem=whole.problem,
    )


def _remembered_or_read(
    image: Image, cache_dir: Path, read: Callable[[Image], BaseSystem], mark: str = ""
) -> BaseSystem:
    remembered = remembered_base_system(image, cache_dir, mark)
    if remembered is not None:
        return remembered
    try:
        system = read(image)
    except (InvalidLayer, NotFound) as error:
        return BaseSystem(problem=str(error))
    note = json.dumps(to_note(system)).encode()
    CacheFolder(cache_dir).remember(NoteKind.SYSTEMS, image.id.encoded + mark, note)
    return system


def remembered_base_system(image: Image, cache_dir: Path, mark: str = "") -> BaseSystem | None:
    """Return what is known of the system in an image that was read before; None for another. No layer is read."""
    note = CacheFolder(cache_dir).read_note(NoteKind.SYSTEMS, image.id.encoded + mark)
    with suppress(ValueError, LookupError, TypeError):
        if note is not None:
            return from_note(json.loads(note))
    return None


def is_large(image: Image) -> bool:
    """Return whether only some layers of an image are read, unless its accounts are asked for."""
    return sum(layer.size for layer in image.layers) > _WHOLE


def is_in_mind(path: str) -> bool:
    """Return whether `BaseSystem.files` would have an absolute path, relative to the root, if it were a file's.

    >>> is_in_mind("/srv/app.py"), is_in_mind("/etc/passwd")
    (True, False)
    """
    relative = path.strip("/")
    return relative.count("/") < DEEPEST and not _FULL.match(relative)


def _read(image: Image) -> BaseSystem:
    bottom_up = list(reversed(image.layers))
    if is_large(image):
        for count in range(1, len(bottom_up)):
            if not _exists(FileSystem(bottom_up[:count]), "bin/sh"):
                continue
            layers = _with_small_ones(bottom_up, count)
            if len(layers) < len(bottom_up):
                # What is not there may come with a layer that is not read.
                return replace(_look(FileSystem(layers), layers), lacks=())
            break
    return _read_whole(image)


def _with_small_ones(bottom_up: Sequence[Layer], count: int) -> list[Layer]:
    """Return the lowest `count` layers, and as many of the others as may be read, the smallest first; in their order.

    The choice depends on the image alone: whatever is on this machine, the same base gives the same image.
    """
    room = _WHOLE - sum(layer.size for layer in bottom_up[:count])
    chosen = set(range(count))
    for number in sorted(range(count, len(bottom_up)), key=lambda number: bottom_up[number].size):
        room -= bottom_up[number].size
        if room < 0:
            break
        chosen.add(number)
    return [bottom_up[number] for number in sorted(chosen)]


def _read_whole(image: Image) -> BaseSystem:
    bottom_up = list(reversed(image.layers))
    return _look(FileSystem(bottom_up), bottom_up)


def _look(files: FileSystem, layers: Sequence[Layer]) -> BaseSystem:
    libraries = [path for path in files if _LIBC.fullmatch(path)]
    contents = _contents(files, layers, (*libraries, *ACCOUNTS))
    passwd, group = (contents.get(path, b"").decode("utf-8", "surrogateescape") for path in ACCOUNTS)
    links = dict(_links(files))
    return BaseSystem(
        glibc=next(filter(None, (_glibc_version(path, contents.get(path, b"")) for path in libraries)), None),
        shells=_shells(files),
        loaders=tuple(path for path in LOADERS.values() if _exists(files, path)),
        links=links,
        files=frozenset(_files(files, links)),
        folders=dict(_folders(files)),
        users=dict(users_of(passwd)),
        groups=dict(groups_of(group)),
        passwd=passwd,
        group=group,
        lacks=tuple(f"/{path}" for path in ("tmp", *ACCOUNTS) if not _exists(files, path)),
        environments=sum(_LOGIN_SCRIPT.search(path) is not None for path in files),
    )


def _shells(files: FileSystem) -> tuple[str, ...]:
    """Return the shells of a system in `/bin`, or in `/usr/bin` where there are none."""
    places = ([f"/{folder}/{name}" for name in _SHELLS] for folder in ("bin", "usr/bin"))
    found = (tuple(path for path in paths if files.has_file(path)) for paths in places)
    return next(filter(None, found), ())


def _contents(files: FileSystem, layers: Sequence[Layer], paths: Iterable[str]) -> dict[str, bytes]:
    """Return the contents of those files that are there, each layer read once; libraries that are absurdly large are
    passed over. Raises `InvalidLayer` for such a list of accounts, which could not be kept when one is added.
    """
    wanted: dict[int, dict[int, list[str]]] = {}
    for path in paths:
        with suppress(NotFound):
            member = files.get(files.resolve(path))
            if member is not None and member.content is not None:
                layer, number = member.content
                wanted.setdefault(layer, {}).setdefault(number, []).append(path)
    found: dict[str, bytes] = {}
    for layer, numbers in wanted.items():
        for number, (entry, content) in enumerate(layers[layer].entries()):
            if number not in numbers or entry.type is not EntryType.FILE:
                continue
            accounts = [path for path in numbers[number] if path in ACCOUNTS]
            if accounts and entry.size > _LARGEST_LIST:
                raise InvalidLayer(
                    f"/{accounts[0]} of the base image has {entry.size} bytes; at most {_LARGEST_LIST} are read"
                )
            if entry.size <= _LARGEST:
                found |= dict.fromkeys(numbers[number], content.read())
    return found


def _exists(files: FileSystem, path: str) -> bool:
    with suppress(NotFound):
        return files.resolve(path) in files
    return False


def _links(files: FileSystem) -> Iterator[tuple[str, str]]:
    """Yield folders that are links, with where they lead, unless that is a file."""
    for path in files:
        if path.count("/") >= DEEPEST or path.startswith(("etc/", "proc/", "sys/", "dev/")):
            continue
        member = files.get(path)
        if member is None or member.entry.type is not EntryType.SYMLINK:
            continue
        with suppress(NotFound):
            target = files.resolve(path)
            found = files.get(target)
            if not target or (found is None or found.entry.type is EntryType.DIRECTORY):
                yield path, target


def _files(files: FileSystem, links: Mapping[str, str]) -> Iterator[str]:
    """Yield what no folder can be made at, down to the fourth level: files, devices, links to such or to nothing."""
    for path in files:
        if path.count("/") < DEEPEST and path not in links and not _FULL.match(path):
            member = files.get(path)
            if member is not None and member.entry.type is not EntryType.DIRECTORY:
                yield path


def _folders(files: FileSystem) -> Iterator[tuple[str, Folder]]:
    for path in files:
        member = files.get(path) if path.count("/") < DEEPEST else None
        if member is not None and member.entry.type is EntryType.DIRECTORY:
            folder = Folder.of(member.entry)
            if not folder.is_usual(path):
                yield path, folder


def _glibc_version(path: str, content: bytes) -> str | None:
    """Return the library's version as its file name or its own banner states it (`ldd --version` prints the same)."""
    match = _LIBC.fullmatch(path)
    if match is not None and match[1]:
        return match[1]
    banner = _LIBC_VERSION.search(content)
    return None if banner is None else banner[1].decode()
