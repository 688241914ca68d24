"""BaseSystem: what a build must know of the system in its base image, and that as a note for later builds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from conda_docker.image.base.accounts import User, groups_of, users_of
from conda_docker.image.base.folder import Folder
from conda_docker.layers.clobbers import folders_of
from python_docker.tar import TarEntry

LOADERS = {
    "linux-32": "/lib/ld-linux.so.2",
    "linux-64": "/lib64/ld-linux-x86-64.so.2",
    "linux-aarch64": "/lib/ld-linux-aarch64.so.1",
    "linux-armv7l": "/lib/ld-linux-armhf.so.3",
    "linux-ppc64le": "/lib64/ld64.so.2",
    "linux-riscv64": "/lib/ld-linux-riscv64-lp64d.so.1",
    "linux-s390x": "/lib/ld64.so.1",
}
"""What the kernel starts to load a program that is linked to glibc (glibc, shlib-versions and `ld-linux` manual)."""

DEEPEST = 4
"""Levels of folders down to which links, files and folders are known; prefixes are no deeper."""
_FORMAT = 8


@dataclass(frozen=True, slots=True)
class BaseSystem:
    """The system that an environment comes on top of; of an empty image when nothing is given.

    `glibc` is the version of the GNU C library, such as "2.36"; `shells` and `loaders` are paths that are there, as
    programs name them. `links` maps folders that are symbolic links to where they lead, both relative to the root;
    `files` are what is no folder and leads to none, outside of the folders that are full of a system's files;
    `folders` are those with another owner or mode than root's 0755, down to the fourth level.
    `passwd` and `group` are the files, with bytes that are not UTF-8 as surrogates; `lacks` names those of them, and of
    `/tmp`, that are surely not there. `environments` counts those of conda-docker that login shells know of.
    `problem` says why nothing is known of an image that cannot be read as a file system.
    """

    glibc: str | None = None
    shells: tuple[str, ...] = ()
    loaders: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    files: frozenset[str] = frozenset()
    folders: Mapping[str, Folder] = field(default_factory=dict)
    users: Mapping[str, User] = field(default_factory=dict)
    groups: Mapping[str, int] = field(default_factory=dict)
    passwd: str = ""
    group: str = ""
    lacks: tuple[str, ...] = ()
    environments: int = 0
    problem: str | None = None

    def real_path(self, path: str) -> str:
        """Return where an absolute path leads, linked folders followed.

        >>> BaseSystem(links={"opt": "var/opt"}).real_path("/opt/conda")
        '/var/opt/conda'
        """
        parts = path.strip("/").split("/")
        for count in range(len(parts), 0, -1):
            target = self.links.get("/".join(parts[:count]))
            if target is not None:
                return "/" + "/".join(filter(None, [target, *parts[count:]]))
        return path

    def real_file(self, path: str) -> str:
        """Return where a file at an absolute path is written to: a link in its own place is replaced."""
        folder, _, name = path.rpartition("/")
        return f"{self.real_path(folder).rstrip('/') if folder else ''}/{name}"

    def folders_above(self, paths: Iterable[str]) -> dict[str, TarEntry]:
        """Return the folders on the way to `paths`, relative to the root, that a layer must state to leave as they are.

        A layer names each folder that something of it is in, and so decides on its owner and mode.
        """
        return {folder: self.folders[folder].entry(folder) for folder in folders_of(paths) if folder in self.folders}


def to_note(system: BaseSystem) -> dict[str, Any]:
    """Return the system as a JSON object."""
    return {
        "format": _FORMAT,
        "glibc": system.glibc,
        "shells": system.shells,
        "loaders": system.loaders,
        "links": system.links,
        "files": sorted(system.files),
        "folders": system.folders,
        "passwd": system.passwd,
        "group": system.group,
        "lacks": system.lacks,
        "environments": system.environments,
    }


def from_note(value: Any) -> BaseSystem:
    """Return the system that `to_note` wrote. Raises `ValueError`, `KeyError` or `TypeError` for anything else."""
    if value["format"] != _FORMAT:
        raise ValueError("of another version")
    passwd, group = str(value["passwd"]), str(value["group"])
    return BaseSystem(
        glibc=None if value["glibc"] is None else str(value["glibc"]),
        shells=tuple(map(str, value["shells"])),
        loaders=tuple(map(str, value["loaders"])),
        links={str(path): str(target) for path, target in value["links"].items()},
        files=frozenset(map(str, value["files"])),
        folders={str(path): Folder(*map(int, fields)) for path, fields in value["folders"].items()},
        users=dict(users_of(passwd)),
        groups=dict(groups_of(group)),
        passwd=passwd,
        group=group,
        lacks=tuple(map(str, value["lacks"])),
        environments=int(value["environments"]),
    )
