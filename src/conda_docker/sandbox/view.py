"""View: what a program in a sandbox sees of this machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_LIBRARIES = ("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64")
_LOADER_FILES = ("/etc/ld.so.cache",)


@dataclass(frozen=True, slots=True)
class View:
    """What a program in a sandbox sees of this machine, and as whom.

    `folders` and `writable` map paths in the sandbox to folders of this machine; `/` may be one of them.
    `system_libraries` adds this machine's shared libraries, for a program that was built for it, `devices` adds
    `/proc` and a `/dev` with what every program may use. `temporary` are folders that are empty at first and gone
    afterwards. `root` makes the program believe that it is root, though it can do no more than this user. `variables`
    are the program's alone: the sandbox itself is started without them, since they may name code to load.
    """

    folders: Mapping[str, Path] = field(default_factory=dict)
    writable: Mapping[str, Path] = field(default_factory=dict)
    system_libraries: bool = False
    devices: bool = False
    network: bool = False
    temporary: tuple[str, ...] = ()
    root: bool = False
    working_folder: str = "/"
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_own_root(self) -> bool:
        """Whether the root folder is one of the folders that are given, and not made for the sandbox."""
        return "/" in self.folders or "/" in self.writable

    def read_only(self) -> Iterator[tuple[str, Path]]:
        """Yield what can be read and not written, by its path in the sandbox, outer folders first."""
        if self.system_libraries:
            for path in map(Path, _LIBRARIES):
                if path.is_dir() and not path.is_symlink():
                    yield str(path), path
            for path in map(Path, _LOADER_FILES):
                if path.is_file():
                    yield str(path), path
        yield from sorted(self.folders.items())

    def links(self) -> Iterator[tuple[str, str]]:
        """Yield links to be made, path and target: on most systems, `/lib` is one to `/usr/lib`."""
        if self.system_libraries:
            for path in map(Path, _LIBRARIES):
                if path.is_symlink():
                    yield str(path), str(path.readlink())
