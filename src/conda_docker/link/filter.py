"""FileFilter: which files of packages are left out of an image."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from tarfile import TarInfo

_STATIC_LIBRARY = ".a"
_SOURCE_MAP = ".js.map"


@dataclass(frozen=True)
class FileFilter:
    """Which files stay; paths are relative to the prefix.

    Static libraries and source maps of JavaScript are told by the end of their names. `exclude` holds globs, in which
    `*` and `?` stop at slashes, `**` does not, and `[...]` is a set: `share/doc/**`. One without a slash is about a
    name at any depth (`*.pyi`, `tests`), and one that fits a folder leaves out all below it.

    What is left out is left out of the package's record in `conda-meta` too, which so tells what the image has. Raises
    `ValueError` for a glob that cannot be read.

    >>> keeps = FileFilter(exclude=("share/doc", "*.pyi")).keeps
    >>> [keeps(path) for path in ("lib/libz.so", "lib/libz.a", "share/doc/z/README", "lib/x.pyi")]
    [True, False, False, False]
    """

    trim_static_libs: bool = True
    trim_js_maps: bool = True
    exclude: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        for glob in self.exclude:
            try:
                re.compile(_translate(glob))
            except re.error:
                raise ValueError(f"not a pattern of paths: {glob!r}") from None
            if not glob.strip("/"):
                raise ValueError(f"not a pattern of paths: {glob!r}")

    @cached_property
    def _ends(self) -> tuple[str, ...]:
        return (_STATIC_LIBRARY,) * self.trim_static_libs + (_SOURCE_MAP,) * self.trim_js_maps

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        return re.compile("|".join(_translate(glob) for glob in self.exclude)) if self.exclude else None

    def keeps(self, path: str) -> bool:
        """Whether the file or link at `path`, relative to the prefix, goes into the image."""
        return not path.endswith(self._ends) and (self._pattern is None or self._pattern.match(path) is None)


KEEP_ALL = FileFilter(trim_static_libs=False, trim_js_maps=False)
"""The filter that leaves out nothing."""


def _translate(glob: str) -> str:
    """A glob as a regular expression for `match`."""
    body = glob.strip("/")
    anchored = "/" in glob.rstrip("/")
    expression = ""
    position = 0
    while position < len(body):
        character = body[position]
        close = body.find("]", position + 2) if character == "[" else -1
        if body.startswith("**/", position) and (position == 0 or body[position - 1] == "/"):
            expression += "(?:.*/)?"
            position += 3
        elif body.startswith("**", position):
            expression += ".*"
            position += 2
        elif close > 0:
            inner = body[position + 1 : close].replace("\\", "\\\\").replace("[", "\\[")
            expression += f"(?!/)[{'^' + inner[1:] if inner[0] in '!^' else inner}]"
            position = close + 1
        else:
            expression += {"*": "[^/]*", "?": "[^/]"}.get(character) or re.escape(character)
            position += 1
    return f"(?s:{'' if anchored else '(?:.*/)?'}{expression}(?:/|\\Z))"


def conda_file_filter(trim_static_libs: bool = True, trim_js_maps: bool = True) -> Callable[[TarInfo], TarInfo | None]:
    """A filter for `tarfile` and `Image.add_layer_path`: None for static libraries and source maps of JavaScript.

    >>> conda_file_filter()(TarInfo("lib/libz.a")) is None
    True
    """
    keeps = FileFilter(trim_static_libs, trim_js_maps).keeps
    return lambda member: member if keeps(member.name) else None
