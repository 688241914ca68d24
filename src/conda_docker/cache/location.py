"""Where caches are: in the user's folder for them, or a private temporary one where that cannot be written."""

from __future__ import annotations

import errno
import logging
import os
import stat
import sys
from functools import lru_cache
from pathlib import Path

from conda_docker.errors import CacheError
from python_docker.errors import reason_of
from python_docker.files.home import expand_home, xdg_folder

_log = logging.getLogger(__name__)


def default_cache_dir(*, create: bool = True) -> Path:
    """Return `CONDA_DOCKER_CACHE`, else the place for caches of this system's conventions.

    That place is made where it is not there, since nothing else proves that it can be, unless `create` is false: for
    who only wants to know.

    Where that cannot be written, as without a home folder, it is a folder in the system's one for temporary files, and
    a warning says so. Raises `CacheError` when that is not possible either.
    """
    chosen = os.environ.get("CONDA_DOCKER_CACHE")
    if chosen:
        return expand_home(chosen)
    return _usable(system_cache_dir("conda-docker"), "cache", "CONDA_DOCKER_CACHE", create=create)


def index_cache_dir() -> Path:
    """Return the folder where pixi and rattler keep the indexes of channels; py-rattler would use one of its own.

    Raises `CacheError` as `default_cache_dir` does.
    """
    folder = os.environ.get("RATTLER_CACHE_DIR") or os.environ.get("PIXI_CACHE_DIR")
    if folder:
        return Path(folder) / "repodata"
    return _usable(system_cache_dir(None) / "rattler" / "cache" / "repodata", "repodata", "RATTLER_CACHE_DIR")


def wheel_cache_dir() -> Path | None:
    """Return the folder for uv's cache where that cannot be where uv has it; None where it can be.

    Raises `CacheError` as `default_cache_dir` does.
    """
    usual = system_cache_dir("uv")
    folder = _usable(usual, "uv", "UV_CACHE_DIR")
    return None if folder == usual else folder


def system_cache_dir(name: str | None) -> Path:
    """Return where this system's conventions have the cache of the program `name` (None: of all programs)."""
    if sys.platform == "linux":
        return xdg_folder("XDG_CACHE_HOME", "~/.cache") / (name or "")
    import platformdirs

    try:
        return platformdirs.user_cache_path(name, appauthor=False)
    except RuntimeError:
        return Path("~")  # what older versions of it give a user without a home begins so


@lru_cache
def _usable(folder: Path, name: str, variable: str, *, create: bool = True) -> Path:
    """Return `folder`, or `name` in a private temporary folder; `variable` is how users choose another."""
    reason = _obstacle(folder, create=create)
    if reason is None:
        return folder
    instead = private_temporary_folder(variable) / name
    _log.warning("%s cannot be written: %s; using %s (%s chooses another folder)", folder, reason, instead, variable)
    return instead


def _obstacle(folder: Path, *, create: bool) -> str | None:
    """Return what keeps `folder` from being made; None for one that is there, or has just been made.

    One that is there and can only be read is of use all the same. Without `create`, its parents are looked at instead.
    """
    if not folder.is_absolute():
        return "there is no home folder"
    if not create:
        nearest = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
        if nearest == folder or (nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)):
            return None
        return os.strerror(errno.EACCES if nearest.is_dir() else errno.ENOTDIR)
    try:
        # Asking for permission proves nothing: the file system may be read-only, or another machine's.
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return reason_of(error)
    return None


def private_temporary_folder(variable: str) -> Path:
    """Return a folder for temporary files that is this user's alone, the same one each time.

    Raises `CacheError` when there is none; `variable` is how users choose another folder for what they need it for.
    """
    import tempfile

    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    folder = Path(tempfile.gettempdir()) / f"conda-docker-{user}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError as error:
        raise CacheError(
            f"there is no folder for the cache: {folder}: {reason_of(error)}; choose one with {variable}"
        ) from error
    # Anybody may make a folder of this name.
    private = stat.S_ISDIR(status.st_mode) and (
        not hasattr(os, "getuid") or (status.st_uid == os.getuid() and not status.st_mode & 0o077)
    )
    if not private:
        raise CacheError(
            f"there is no folder for the cache: {folder} is not private to this user; choose one with {variable}"
        )
    return folder
