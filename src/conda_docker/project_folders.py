"""Where a project's own files are looked for: the folders around the working one, and only what this user may trust."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from conda_docker.user_files import is_there
from python_docker.files.home import home_folder


def project_folders(start: Path) -> Iterator[Path]:
    """Yield an absolute folder and those above it, up to the root of a repository or the home folder."""
    home = home_folder()
    for folder in (start, *start.parents):
        yield folder
        if folder == home or is_there(folder / ".git"):
            return


def is_ours(path: Path) -> bool:
    """Return whether what is at a path is this user's or root's: in a folder such as /tmp it may be anybody's.

    Of a link, both it and what it leads to must be.
    """
    if os.name != "posix":
        return True
    owners = {os.lstat(path).st_uid, path.stat().st_uid}
    return owners <= {0, os.geteuid()}
