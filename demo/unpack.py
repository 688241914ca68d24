"""Unpack an image into a folder, for runtimes that want a root file system."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from python_docker.filesystem import FileSystem
from python_docker.image import Image
from python_docker.tar import EntryType, clamped_path


def unpack(image: Image, root: Path) -> None:
    """Write the merged file system of `image` into the new folder `root`, everything owned by the user who does it.

    Nothing can get out of `root`: all that lies in a folder of the merged file system lies in a real one, and every
    folder is made before anything else.
    """
    layers = image.layers[::-1]
    merged = FileSystem(layers)
    root.mkdir(parents=True)
    folders = [path for path in merged if (member := merged.get(path)) and member.entry.type is EntryType.DIRECTORY]
    for path in folders:
        (root / path).mkdir()
    links = []
    for number, layer in enumerate(layers):
        for entry, content in layer.entries():
            path = clamped_path(entry.path)
            member = merged.get(path)
            if member is None or member.layer != number or member.entry.type is not entry.type:
                continue
            target = root / path
            if entry.type is EntryType.FILE:
                target.unlink(missing_ok=True)
                with target.open("xb") as file:
                    shutil.copyfileobj(content, file, 1 << 20)
                target.chmod(entry.mode & 0o777)
                os.utime(target, (entry.mtime, entry.mtime))
            elif entry.type is EntryType.SYMLINK:
                target.unlink(missing_ok=True)
                target.symlink_to(entry.link_target)
            elif entry.type is EntryType.HARDLINK:
                links.append((target, root / clamped_path(entry.link_target)))
    for target, source in links:
        os.link(source, target, follow_symlinks=False)
    # At last, since nothing could be put into a folder that may not be written to.
    for path in reversed(folders):
        member = merged.get(path)
        assert member is not None
        (root / path).chmod(member.entry.mode)
