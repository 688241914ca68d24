"""What is on this machine of wheels: files in pip's cache, and what uv has unpacked in its own."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace

from conda_docker.environment.packages.wheels import LockedWheel
from conda_docker.pypi.pip_cache import with_cached
from conda_docker.pypi.wheel.unpacked import find_unpacked, uv_cache_folder


def with_local_files(
    wheels: Iterable[LockedWheel], *, unpacked: bool, environ: Mapping[str, str] | None = None
) -> tuple[LockedWheel, ...]:
    """Return `wheels`, each with what this machine has of it as its `source`.

    That is a file in pip's cache, which whoever reads it has to check, or else, if `unpacked` ones will do, a folder in
    uv's, which was checked. Wheels without a hash are left as they are.
    """
    environ = os.environ if environ is None else environ
    found = with_cached(wheels, environ)
    if not unpacked:
        return found
    folder = uv_cache_folder(environ)
    return tuple(
        wheel if wheel.source is not None else replace(wheel, source=find_unpacked(wheel, folder)) for wheel in found
    )
