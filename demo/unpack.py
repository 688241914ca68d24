"""Unpack an image into a folder, for runtimes that want a root file system."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from python_docker.image import Image
from python_docker.image.filesystem import FileSystem
from python_docker.tar import EntryType


def unpack(image: Image, root: Path) -> None:
    """Write the merged file system of `image` into the new folder `root`, everything owned by the user who does it.

    Nothing can get out of `root`: all that lies in a folder of the merged file system lies in a real one, and every
    folder is made before anything else.
    """
    layers = image.layers[::-1]
    merged = FileSystem(layers)
    members = {path: member for path in merged if (member := merged.get(path)) is not None}
    folders = [path for path, member in members.items() if member.entry.type is EntryType.DIRECTORY]
    root.mkdir(parents=True)
    for path in folders:
        (root / path).mkdir()
    names: dict[tuple[int, int], list[str]] = {}
    for path, member in members.items():
        if member.entry.type is EntryType.SYMLINK:
            (root / path).symlink_to(member.entry.link_target)
        elif member.entry.type in (EntryType.FILE, EntryType.HARDLINK) and member.content is not None:
            names.setdefault(member.content, []).append(path)
    for layer_number, layer in enumerate(layers):
        for number, (entry, content) in enumerate(layer.entries()):
            paths = names.get((layer_number, number), [])
            for name in paths[:1]:
                with (root / name).open("xb") as file:
                    shutil.copyfileobj(content, file, 1 << 20)
                (root / name).chmod(entry.mode & 0o777)
                os.utime(root / name, (entry.mtime, entry.mtime))
            for name in paths[1:]:
                os.link(root / paths[0], root / name)
    # At last, since nothing could be put into a folder that may not be written to.
    for path in reversed(folders):
        (root / path).chmod(members[path].entry.mode)
