"""This machine: Python, the distributions that matter, folders with their free space, and the sandbox."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from conda_docker.arguments.amounts import format_size
from conda_docker.cache.contents import cache_info
from conda_docker.cache.folder import CacheFolder
from conda_docker.doctor.check import Check, Status, ok
from conda_docker.errors import CacheError, SandboxUnavailable
from conda_docker.sandbox import find_sandbox
from python_docker.errors import reason_of

_DISTRIBUTIONS = ("conda-docker", "py-rattler", "uv", "deflate", "isal")
_LITTLE_SPACE = 2_000_000_000  # bytes; an environment with a few large packages


def check_machine(cache: CacheFolder) -> Iterator[Check]:
    """Yield what there is to say of the machine, without its network."""
    yield ok("versions", ", ".join(f"{name} {_version(name)}" for name in _DISTRIBUTIONS))
    yield ok("Python", f"{platform.python_version()}, {sys.executable}")
    yield ok("system", f"{platform.system()} {platform.release()}, {platform.machine()}")
    yield _check_cache(cache)
    yield _check_space("free space for the cache", cache.root)
    yield _check_space("free space for temporary files", Path(tempfile.gettempdir()))
    if (chosen := os.environ.get("TMPDIR")) and not (Path(chosen).is_dir() and os.access(chosen, os.W_OK)):
        yield Check("TMPDIR", Status.WARNING, f"{chosen} cannot be used, so {tempfile.gettempdir()} is")
    yield _check_sandbox()


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "(not found)"


def _check_cache(cache: CacheFolder) -> Check:
    advice = "choose another folder with --cache-dir or CONDA_DOCKER_CACHE"
    if not _can_be_written(cache.root):
        return Check("cache", Status.ERROR, f"{cache.root} is not a folder that you can write to", advice)
    try:
        held = cache_info(cache)
    except (CacheError, OSError) as error:
        return Check("cache", Status.ERROR, str(error), advice)
    return ok("cache", f"{cache.root}, {format_size(held.size)}: {held.layers} layers, {held.packages} packages")


def _can_be_written(folder: Path) -> bool:
    """Return whether files can be made in a folder, or the folder itself where it is not there yet."""
    nearest = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    return nearest.is_dir() and os.access(nearest, os.W_OK)


def _check_space(subject: str, folder: Path) -> Check:
    existing = next((place for place in (folder, *folder.parents) if place.is_dir()), folder)
    try:
        free = shutil.disk_usage(existing).free
    except OSError as error:
        return Check(subject, Status.ERROR, f"{folder}: {reason_of(error)}")
    found = f"{format_size(free)} in {existing}"
    if free < _LITTLE_SPACE:
        return Check(subject, Status.WARNING, found, "make room: `conda-docker cache prune`, or choose another folder")
    return ok(subject, found)


def _check_sandbox() -> Check:
    try:
        sandbox = find_sandbox()
        return ok("sandbox", f"{sandbox.name}, made by {sandbox.program}")
    except SandboxUnavailable as error:
        advice = "without one, link scripts cannot run and activation scripts are read, not run"
        return Check("sandbox", Status.WARNING, str(error), advice)
