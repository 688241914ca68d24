"""Outputs that would overwrite each other: files and images that are to be written to one place."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from python_docker.transports.location import Location


class Shared(NamedTuple):
    """Two outputs, by what they are called, and the place of the later one, which is that of the other too."""

    first: str
    second: str
    place: Location | Path


def find_shared(outputs: Iterable[tuple[str, Location | Path]]) -> Shared | None:
    """Return the first two outputs of which one would overwrite the other, None where there are none.

    Each is what it is called and where it goes: a file, or a place for an image. Paths are compared with their links
    followed. A layout holds several images by their names; a device such as /dev/null keeps nothing to overwrite.

    >>> found = find_shared([("-o", Location.parse("a.tar")), ("--iidfile", Path("b/../a.tar"))])
    >>> found and found[:2]
    ('-o', '--iidfile')
    """
    at: dict[str, list[tuple[str, tuple[str, str | None] | None]]] = {}
    for called, place in outputs:
        path = place.path if isinstance(place, Location) else os.fspath(place)
        if path and _is_device(path):
            continue
        # A file is written as a whole; a layout has several images, by their names.
        inner = None if isinstance(place, Path) or place.medium.is_file else (place.transport, place.name)
        # What is no path is compared as it is written, with its transport before it.
        others = at.setdefault(os.path.realpath(path) if path else f"{place}", [])
        for other, kept in others:
            if inner is None or kept is None or inner == kept or inner[0] != kept[0]:
                return Shared(other, called, place)
        others.append((called, inner))
    return None


def _is_device(path: str) -> bool:
    with suppress(OSError, ValueError):
        return stat.S_ISCHR(os.stat(path).st_mode)  # noqa: PTH116 (a Path raises for what is too long)
    return False
