"""`.dockerignore`: which paths of a folder its patterns leave out, as BuildKit reads them (moby/patternmatcher).

The Docker SDK's reader does not tell capitals from small letters and knows no escapes, so it is not used here.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from conda_docker.errors import InvalidEnvironment
from conda_docker.user_files import read_text

IGNORE_FILE = ".dockerignore"
_SPECIAL = re.compile(r"[*?\[\\]")


@dataclass(frozen=True, slots=True)
class _Pattern:
    regex: re.Pattern[str]
    includes: bool
    """Whether it brings back what an earlier one leaves out (`!`)."""
    start: str
    """What all paths that it matches begin with."""


def added_paths(folder: Path) -> Iterator[str]:
    """Yield the paths of what is in a folder, relative to it, with slashes; links are not followed.

    What its `.dockerignore` leaves out is left out, but not a folder in which something stays. Raises
    `InvalidEnvironment` for a pattern that cannot be read.
    """
    file = folder / IGNORE_FILE
    patterns = _patterns(read_text(file), file) if file.is_file() else ()
    yield from _below(folder, "", patterns)


def _below(folder: Path, inside: str, patterns: Sequence[_Pattern]) -> Iterator[str]:
    with os.scandir(folder / inside) as listing:
        entries = sorted(listing, key=lambda entry: entry.name)
    for entry in entries:
        path = f"{inside}{entry.name}"
        ignored = _is_ignored(path, patterns)
        if not ignored:
            yield path
        if not entry.is_dir(follow_symlinks=False) or (ignored and not _may_hold(f"{path}/", patterns)):
            continue
        below = _below(folder, f"{path}/", patterns)
        if ignored and (first := next(below, None)) is not None:
            yield from (path, first)
        yield from below


def _may_hold(folder: str, patterns: Sequence[_Pattern]) -> bool:
    """Return whether something in a folder that is left out may stay. Docker's first builder looked less far."""
    return any(each.includes and (each.start.startswith(folder) or folder.startswith(each.start)) for each in patterns)


def ignored_by(text: str, path: str) -> bool:
    r"""Return whether a `.dockerignore` with this text leaves a path out. Raises `InvalidEnvironment`.

    >>> ignored_by("*.log\n!keep.log", "build.log"), ignored_by("*.log\n!keep.log", "keep.log")
    (True, False)
    """
    return _is_ignored(path, _patterns(text, Path(IGNORE_FILE)))


def _is_ignored(path: str, patterns: Sequence[_Pattern]) -> bool:
    names = path.split("/")
    ignored = False
    for pattern in patterns:
        # A folder that is left out, or brought back, takes with it what is in it.
        if pattern.includes == ignored and any(
            pattern.regex.fullmatch("/".join(names[:count])) for count in range(len(names), 0, -1)
        ):
            ignored = not pattern.includes
    return ignored


def _patterns(text: str, file: Path) -> tuple[_Pattern, ...]:
    found = []
    for line in text.removeprefix("\ufeff").splitlines():
        pattern = line.strip()
        if line.startswith("#") or not pattern:
            continue
        includes = pattern.startswith("!")
        cleaned = posixpath.normpath(pattern[1:].strip() if includes else pattern).lstrip("/")
        if pattern == "!":
            raise InvalidEnvironment(f"{file}: a line holds only '!'; name what is to stay after it")
        try:
            # "." stands for nothing, for historical reasons.
            regex = re.compile(_regex(cleaned), re.DOTALL)
        except re.error as error:
            raise InvalidEnvironment(f"{file}: cannot read the pattern {pattern[:80]!r}: {error}") from None
        found.append(_Pattern(regex, includes, re.split(_SPECIAL, cleaned, maxsplit=1)[0]))
    return tuple(found)


def _regex(pattern: str) -> str:
    """Return a pattern as a regular expression of whole paths: `*` and `?` stop at slashes, `**` does not."""
    if pattern.startswith("**") and not pattern.startswith("**/") and not _SPECIAL.search(pattern, 2):
        return f".*{re.escape(pattern[2:])}"  # a plain end of paths, inside of names as well
    made, at = [], 0
    while at < len(pattern):
        character, at = pattern[at], at + 1
        if pattern.startswith("**", at - 1):
            at += 1
            if pattern.startswith("/", at):
                at += 1
            made.append("(.*/)?" if at < len(pattern) else ".*")
        elif character == "*":
            made.append("[^/]*")
        elif character == "?":
            made.append("[^/]")
        elif character == "[":
            end = pattern.find("]", at + 1)
            if end < 0:
                raise re.error("a '[' without its ']'")
            # What only Python's sets give a meaning, or will.
            among = re.sub(r"[\[&~|]|(?<=-)-", r"\\\g<0>", pattern[at:end])
            made.append(f"[{among}]")
            at = end + 1
        else:
            if character == "\\":
                if at == len(pattern):
                    raise re.error("a backslash at its end")
                character, at = pattern[at], at + 1
            made.append(re.escape(character))
    return "".join(made)
