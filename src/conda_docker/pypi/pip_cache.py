"""pip's cache of downloads: a wheel that pip has had before need not be downloaded again.

pip keeps the body of an answer in a file named after its URL (`http-v2`, pip 23.3 and later).
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from conda_docker.environment.packages.wheels import LockedWheel
from python_docker.files.home import home_folder

_DEPTH = 5  # characters of the name that are folders of one character each


def with_cached(wheels: Iterable[LockedWheel], environ: Mapping[str, str] | None = None) -> tuple[LockedWheel, ...]:
    """Return `wheels`, each with the file in pip's cache as its `source` where there is one of its size.

    Whether it is the very file is for whoever reads it to check. Wheels without a hash are left as they are.
    """
    folder = pip_cache_folder(os.environ if environ is None else environ)
    return tuple(_with_cached(wheel, folder) for wheel in wheels)


def _with_cached(wheel: LockedWheel, folder: Path) -> LockedWheel:
    if wheel.source is not None or wheel.sha256 is None:
        return wheel
    path = cached_file(wheel.public_url, folder)
    try:
        fits = path.stat().st_size == wheel.size if wheel.size is not None else path.is_file()
    except OSError:
        return wheel
    return replace(wheel, source=path) if fits else wheel


def cached_file(url: str, folder: Path) -> Path:
    """Return where pip keeps what it has downloaded from `url`, in its cache at `folder`."""
    name = hashlib.sha224(url.encode()).hexdigest()
    return folder.joinpath("http-v2", *name[:_DEPTH], f"{name}.body")


def pip_cache_folder(environ: Mapping[str, str]) -> Path:
    """Return pip's cache folder: PIP_CACHE_DIR, else the place for caches of this system's conventions."""
    if environ.get("PIP_CACHE_DIR"):
        return Path(environ["PIP_CACHE_DIR"])
    home = home_folder(environ)
    if sys.platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "pip" / "Cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "pip"
    return Path(environ.get("XDG_CACHE_HOME") or home / ".cache") / "pip"
