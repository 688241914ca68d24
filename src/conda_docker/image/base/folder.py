"""Folder: the owner and the mode of a folder that an image has before something is put into it.

A layer names each folder that something of it is in, and so decides on owner and mode (image-spec, layer.md). A COPY of
a Dockerfile leaves those that are there as they are; so must a layer here, by repeating what they are.
"""

from __future__ import annotations

from typing import NamedTuple

from python_docker.tar import EntryType, TarEntry
from python_docker.tar.writer import PARENT_MODES


class Folder(NamedTuple):
    """Who owns a folder, what they may do in it, and when it was changed, in seconds since 1970."""

    mode: int
    uid: int
    gid: int
    mtime: int

    @classmethod
    def of(cls, entry: TarEntry) -> Folder:
        """Return what a member of a layer says of a folder."""
        return cls(entry.mode, entry.uid, entry.gid, entry.mtime)

    def is_usual(self, path: str) -> bool:
        """Return whether a layer that says nothing else of the folder at `path` gives it this owner and mode.

        >>> Folder(0o755, 0, 0, 1).is_usual("opt"), Folder(0o2775, 1000, 100, 1).is_usual("opt")
        (True, False)
        """
        return self[:3] == (PARENT_MODES.get(path, 0o755), 0, 0)

    def can_be_written_by(self, uid: int, gid: int) -> bool:
        """Return whether a user may make files in the folder.

        >>> Folder(0o1777, 0, 0, 1).can_be_written_by(1000, 100), Folder(0o755, 0, 0, 1).can_be_written_by(1000, 100)
        (True, False)
        """
        # The first class that a user belongs to decides (path_resolution(7)).
        shift = 6 if uid == self.uid else 3 if gid == self.gid else 0
        return self.mode >> shift & 0o3 == 0o3

    def entry(self, path: str) -> TarEntry:
        """Return the folder as a member of a layer."""
        return TarEntry(path, EntryType.DIRECTORY, self.mode, 0, self.mtime, uid=self.uid, gid=self.gid)
