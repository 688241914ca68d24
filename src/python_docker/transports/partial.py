"""Partial files and folders: what is written under a temporary name first, and what killed processes left of them."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path

from python_docker.files.lock import try_lock

_AGE = 60.0  # seconds; a new one is locked far sooner


def partial_prefix(name: str) -> str:
    """How the temporary names begin for what will be called `name`: hidden, and short enough for any file system."""
    return f".{name[:40]}.partial-" if name else ".partial-"


def create_partial_file(target: Path) -> tuple[int, Path]:
    """A new file beside `target`, locked while it is open: its file descriptor and its path."""
    remove_leftovers(target.parent, target.name)
    path = _new_path(target.parent, target.name)
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    with suppress(OSError):
        try_lock(number)
    return number, path


def create_partial_folder(parent: Path, name: str) -> tuple[int | None, Path]:
    """A new folder in `parent`, and the file descriptor that locks it while open, None where folders have none."""
    remove_leftovers(parent, name)
    path = _new_path(parent, name)
    path.mkdir()
    try:
        number = os.open(path, os.O_RDONLY)
    except OSError:
        return None, path
    with suppress(OSError):
        try_lock(number)
    return number, path


def _new_path(folder: Path, name: str) -> Path:
    return folder / f"{partial_prefix(name)}{os.getpid()}-{secrets.token_hex(6)}"


def remove_leftovers(folder: Path, name: str) -> None:
    """Remove the partial files and folders for `name` that processes left behind that were killed."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(partial_prefix(name)):
                with suppress(OSError):
                    _remove_if_abandoned(Path(entry.path))


def _remove_if_abandoned(path: Path) -> None:
    if path.is_symlink() or time.time() - path.stat().st_mtime < _AGE:
        return
    number = os.open(path, os.O_RDONLY)
    try:
        if not try_lock(number):
            return
    finally:
        os.close(number)
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink()
