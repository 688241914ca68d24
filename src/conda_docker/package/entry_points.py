"""Entry points of `noarch: python` packages: the commands that are made when one is installed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

_COMMAND = re.compile(r"[^./\\\0\r\n][^/\\\0\r\n]*")
_EXTRAS = re.compile(r"(?<!\s)\s*\[[^\[\]]*\]\s*\Z")


class EntryPoint(NamedTuple):
    """A command that is made on installing, from `command = module:function`."""

    command: str
    module: str
    function: str


def parse_entry_points(rows: Iterable[Any]) -> tuple[tuple[EntryPoint, ...], tuple[str, ...]]:
    """Return the entry points in `rows`, and those rows that are none, shortened for a message.

    Extras (`command = module:function [extra]`) are allowed and mean nothing here, as in the entry points
    specification. A row that cannot become a command and a script is left out: clients write a script that fails.

    >>> parse_entry_points(["flask = flask.cli:main [dev]", "../x = a:b"])
    ((EntryPoint(command='flask', module='flask.cli', function='main'),), ("'../x = a:b'",))
    """
    points: list[EntryPoint] = []
    unusable: list[str] = []
    for row in rows:
        point = _parse(row) if isinstance(row, str) else None
        if point is None:
            unusable.append(repr(str(row)[:80]))
        else:
            points.append(point)
    return tuple(points), tuple(unusable)


def _parse(text: str) -> EntryPoint | None:
    command, _, target = text.partition("=")
    module, _, function = _EXTRAS.sub("", target).rpartition(":")
    point = EntryPoint(command.strip(), module.strip(), function.strip())
    # They become part of a path and of a script.
    usable = _COMMAND.fullmatch(point.command) and _is_dotted(point.module) and _is_dotted(point.function)
    try:
        text.encode()
    except UnicodeEncodeError:
        return None
    return point if usable else None


def _is_dotted(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))
