"""parts_of: the files of a layer by package and by folder, down to some depth."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from conda_docker.report.contents import Part, PartKind
from conda_docker.report.layer_files import LayerFiles
from conda_docker.report.records import Record

_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), 127)}

_Files = Sequence[tuple[str, int]]


def parts_of(
    files: LayerFiles, packages: Sequence[tuple[PartKind, str]], owners: Mapping[str, int], *, depth: int, smallest: int
) -> tuple[Part, ...]:
    """Return the parts of a layer: its packages, given by kind and name, and the folders of what is of no package.

    `owners` says by path which package a file is of. Folders are followed down to `depth` of them, where those that
    have nothing else than one folder count as one with it; what has fewer than `smallest` bytes is put together.
    """
    of_packages: list[list[tuple[str, int]]] = [[] for _ in packages]
    others: list[tuple[str, int]] = []
    for path, size in files.sizes.items():
        owner = owners.get(path)
        (others if owner is None else of_packages[owner]).append((path, size))
    parts = [
        Part(kind, name, _total(owned), len(owned), _folders(owned, 0, depth, smallest))
        for (kind, name), owned in zip(packages, of_packages, strict=True)
    ]
    return _sorted([*parts, *_folders(others, 0, depth, smallest)])


def owners_of(records: Sequence[Record]) -> dict[str, int]:
    """Return by path which of the packages a file is of, as their records say; the first that lists it counts."""
    owners: dict[str, int] = {}
    for number, record in enumerate(records):
        for path in record.paths:
            owners.setdefault(path, number)
    return owners


def shown(path: str) -> str:
    """Return a path as text that can be shown: control characters and bytes that are not UTF-8 spelled out.

    >>> shown("a\\udce9"), shown("a\\nb")
    ('a\\\\xe9', 'a\\\\x0ab')
    """
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace").translate(_CONTROL)


def _folders(files: _Files, start: int, depth: int, smallest: int) -> tuple[Part, ...]:
    """Return what is in a folder, whose path ends before `start` in those of its files.

    A folder that is alone in it does not count against the `depth`.
    """
    groups: dict[str, list[tuple[str, int]]] = {}
    for path, size in files:
        groups.setdefault(path[start:].partition("/")[0], []).append((path, size))
    depth -= len(groups) > 1
    parts: list[Part] = []
    rest: list[tuple[str, int]] = []
    for members in groups.values():
        size = _total(members)
        if size < smallest:
            rest += members
        elif len(members) == 1 and "/" not in members[0][0][start:]:
            parts.append(Part("file", shown(members[0][0][start:]), size, 1))
        else:
            # Hostile layers have files in what is a file itself.
            end = max(_common_folder([path for path, _ in members]), members[0][0].find("/", start) + 1, start + 1)
            inner = _folders(members, end, depth, smallest) if depth > 0 else ()
            parts.append(Part("folder", shown(members[0][0][start:end]), size, len(members), inner))
    if rest:
        parts.append(Part("rest", "", _total(rest), len(rest)))
    return _sorted(parts)


def _common_folder(paths: Sequence[str]) -> int:
    """Return where the path of the deepest folder ends, with its slash, that all of `paths` are in."""
    # What the first and the last have in common all have; it may end within a name.
    return os.path.commonprefix([min(paths), max(paths)]).rfind("/") + 1  # noqa: RUF071


def _total(files: _Files) -> int:
    return sum(size for _, size in files)


def _sorted(parts: Sequence[Part]) -> tuple[Part, ...]:
    return tuple(sorted(parts, key=lambda part: (part.kind == "rest", -part.size, part.name)))
