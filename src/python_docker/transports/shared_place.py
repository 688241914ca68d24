"""Outputs that would overwrite each other, or what they are made from: files and images that share a place."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from python_docker.transports.location import Location

_OF_LAYOUTS = frozenset({"oci-layout", "index.json", "blobs", "manifest.json", "version"})
"""What layouts (image-spec, image-layout.md) and folders of skopeo's have at their top."""

_ImageInFolder = tuple[str, str | None]
"""How images are kept in a folder, and the name of one of them."""


class Shared(NamedTuple):
    """Two that share a place, by what they are called, and the place as one of them has it.

    Of two outputs it is that of the later one, of an output and an input that of the input.
    """

    first: str
    second: str
    place: Location | Path


def find_shared(outputs: Iterable[tuple[str, Location | Path]]) -> Shared | None:
    """Return the first two outputs of which one would overwrite the other, None where there are none.

    Each is what it is called and where it goes: a file, or a place for an image. Paths are compared with their links
    followed. A layout holds several images by their names, and no file may be one of its own. A device such as
    /dev/null keeps nothing to overwrite.

    >>> found = find_shared([("-o", Location.parse("a.tar")), ("--iidfile", Path("b/../a.tar"))])
    >>> found and found[:2]
    ('-o', '--iidfile')
    """
    at: dict[str, list[tuple[str, _ImageInFolder | None]]] = {}
    known = list(outputs)
    for called, place in known:
        path = _path(place)
        if path and _is_device(path):
            continue
        inner = _image_in(place)
        # What is no path is compared as it is written, with its transport before it.
        others = at.setdefault(os.path.realpath(path) if path else f"{place}", [])
        for other, kept in others:
            if not _are_apart(inner, kept):
                return Shared(other, called, place)
        others.append((called, inner))
    return next(_files_of_layouts(known), None)


def find_overwritten(
    outputs: Iterable[tuple[str, Location | Path]], inputs: Iterable[tuple[str, Location | Path]]
) -> Shared | None:
    """Return the first output that would overwrite an input, with that; None where there is none.

    Each is what it is called and where it is, as in `find_shared`. Overwritten is the file or folder itself, by
    whatever name, an image of a layout by one of the same name, and a file of a layout. What a name in a registry or an
    engine stood for stays there by its digest, and files in other folders are the business of whoever reads these.

    >>> found = find_overwritten([("--iidfile", Path("b/../a.yml"))], [("--file", Path("a.yml"))])
    >>> found and found[:2]
    ('--iidfile', '--file')
    """
    read = [(called, place) for called, place in inputs if _path(place)]
    for output, target in outputs:
        path = _path(target)
        if not path or _is_device(path):
            continue
        image = _image_in(target)
        for called, place in read:
            other = _image_in(place)
            if _is_same(path, _path(place)):
                overwritten = not _are_apart(image, other)
            else:
                overwritten = image is None and other is not None and _is_within(path, _path(place))
            if overwritten:
                return Shared(output, called, place)
    return None


def _path(place: Location | Path) -> str:
    return place.path if isinstance(place, Location) else os.fspath(place)


def _image_in(place: Location | Path) -> _ImageInFolder | None:
    """Return which image of a folder is meant; None for what is a file as a whole."""
    return None if isinstance(place, Path) or place.medium.is_file else (place.transport, place.name)


def _are_apart(one: _ImageInFolder | None, other: _ImageInFolder | None) -> bool:
    """Return whether two that have one path leave each other alone."""
    return one is not None and other is not None and one != other and one[0] == other[0]


def _is_same(one: str, other: str) -> bool:
    if os.path.realpath(one) == os.path.realpath(other):
        return True
    try:  # file systems may take two spellings for one name
        return os.path.samefile(one, other)  # noqa: PTH121 (a Path raises for what is too long)
    except (OSError, ValueError):
        return False


def _is_within(path: str, folder: str) -> bool:
    """Return whether there is a file at a path in a folder, its links followed."""
    return os.path.isfile(path) and os.path.realpath(path).startswith(os.path.realpath(folder) + os.sep)  # noqa: PTH113


def _files_of_layouts(outputs: Sequence[tuple[str, Location | Path]]) -> Iterator[Shared]:
    """Yield outputs of which one is a layout and another would be one of the files that the layout is made of."""
    for layout, folder in outputs:
        if _image_in(folder) is None or not _path(folder):
            continue
        root = os.path.realpath(_path(folder)) + os.sep
        for called, place in outputs:
            path = os.path.realpath(_path(place)) if _path(place) and _image_in(place) is None else ""
            if path.startswith(root) and path.removeprefix(root).partition(os.sep)[0] in _OF_LAYOUTS:
                yield Shared(layout, called, place)


def _is_device(path: str) -> bool:
    with suppress(OSError, ValueError):
        return stat.S_ISCHR(os.stat(path).st_mode)  # noqa: PTH116 (a Path raises for what is too long)
    return False
