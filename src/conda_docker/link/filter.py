"""FileFilter: which files of packages are left out of an image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from conda_docker.arguments.values import to_patterns

if TYPE_CHECKING:
    from tarfile import TarInfo

    from pathspec import GitIgnoreSpec

_STATIC_LIBRARY = ".a"
_SOURCE_MAP = ".js.map"


@dataclass(frozen=True)
class FileFilter:
    """Which files stay; paths are relative to the prefix.

    Static libraries and source maps of JavaScript are recognized by the end of their names. `exclude` holds patterns
    as in a `.gitignore` at the root of the prefix (git's documentation, gitignore, "Pattern format"): one without a
    slash matches names at any depth (`*.pyi`, `tests`), one with a slash matches from the prefix (`share/doc`), one
    that matches a folder leaves out everything below it, and `!` takes back what an earlier pattern left out.

    What is left out is also left out of the package's record in `conda-meta`, which therefore describes the image.
    Raises `ValueError` for a pattern that matches nothing: one that is invalid, empty, or a comment.

    >>> keeps = FileFilter(exclude=("share/doc", "*.pyi", "!py.pyi")).keeps
    >>> [keeps(path) for path in ("lib/libz.so", "lib/libz.a", "share/doc/z/README", "lib/x.pyi", "lib/py.pyi")]
    [True, True, False, False, True]
    """

    trim_static_libs: bool = False
    trim_js_maps: bool = False
    exclude: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        to_patterns("exclude", self.exclude)

    @cached_property
    def _ends(self) -> tuple[str, ...]:
        return (_STATIC_LIBRARY,) * self.trim_static_libs + (_SOURCE_MAP,) * self.trim_js_maps

    @cached_property
    def _patterns(self) -> GitIgnoreSpec:
        from pathspec import GitIgnoreSpec

        return GitIgnoreSpec.from_lines(self.exclude)

    def keeps(self, path: str) -> bool:
        """Return whether the file or link at `path`, relative to the prefix, goes into the image."""
        return not path.endswith(self._ends) and not (self.exclude and self._patterns.match_file(path))


KEEP_ALL = FileFilter()
"""The filter that leaves out nothing."""


def conda_file_filter(trim_static_libs: bool = True, trim_js_maps: bool = True) -> Callable[[TarInfo], TarInfo | None]:
    """Return a filter for `tarfile` and `Image.add_layer_path`: None for static libraries and source maps of
    JavaScript.

    >>> from tarfile import TarInfo
    >>> conda_file_filter()(TarInfo("lib/libz.a")) is None
    True
    """
    keeps = FileFilter(trim_static_libs, trim_js_maps).keeps
    return lambda member: member if keeps(member.name) else None
