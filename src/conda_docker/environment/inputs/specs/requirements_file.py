"""Lines of a requirements file: comments, variables, options, and files that include others.

The format is in pip's documentation, "Requirements File Format". conda writes the entries of a `pip:` section into a
requirements file next to the environment file, so relative paths are relative to its folder, and everything that such a
file may hold may stand there. What one requirement means is in `conda_docker.pypi.requirements`.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from conda_docker.environment.packages.wheels import PipOption, PipRequirements
from conda_docker.errors import InvalidEnvironment, UnsupportedInput
from conda_docker.redaction import exposed_variable, public_text
from conda_docker.user_files import read_text, user_path

_SHORT = {
    "-i": "--index-url",
    "--pypi-url": "--index-url",
    "-f": "--find-links",
    "-r": "--requirement",
    "-c": "--constraint",
    "-e": "--editable",
}
_FLAGS = frozenset({"no-index", "pre", "require-hashes"})
_VALUED = frozenset({"index-url", "extra-index-url", "find-links", "no-binary", "only-binary", "trusted-host"})
_WHOLE_LINE = frozenset({"requirement", "constraint", "editable"})
"""Options whose value is the rest of their line."""
_NEEDLESS = {"prefer-binary": False, "use-feature": True}
"""Options that change nothing here, and whether they have a value."""
_COMMENT = re.compile(r"(?:^|(?<!\s)\s+)#.*$")
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_ARCHIVE = re.compile(r"\.(?:whl|zip|tar\.gz|tgz|tar\.bz2|tar\.xz)$", re.IGNORECASE)
_URL = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]+:|[A-Za-z+]+@)")
_DEEPEST = 10
_LONGEST_OPTION = 10_000


def read_requirement_lines(
    lines: Iterable[str], *, folder: Path, origin: str, numbers: Iterable[int] = ()
) -> PipRequirements | None:
    """Return what these lines ask for, with the files that they include read and all paths absolute.

    `origin` names the lines in messages, with their `numbers` where these are given. None where they ask for nothing.
    Raises `InvalidEnvironment` for a file that cannot be read or a line that pip would not take, and
    `UnsupportedInput` for a file that is to be downloaded.

    >>> lines = ["flask >=3  # web", "-i https://index.example.org"]
    >>> found = read_requirement_lines(lines, folder=Path("/w"), origin="x")
    >>> found.requirements, found.options
    (('flask >=3',), (PipOption(name='index-url', value='https://index.example.org'),))
    """
    section = _Lines()
    places = (f"{origin}, line {number}" for number in numbers)
    section.add(zip_longest(lines, places, fillvalue=origin), folder, depth=0)
    if not section.requirements:
        return None
    return PipRequirements(
        requirements=tuple(dict.fromkeys(section.requirements)),
        constraints=tuple(dict.fromkeys(section.constraints)),
        options=tuple(dict.fromkeys(section.options)),
        folder=folder,
        origin=origin,
        places=section.places,
    )


@dataclass(slots=True)
class _Lines:
    """What was read so far."""

    requirements: list[str] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)
    options: list[PipOption] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)

    def add(self, lines: Iterable[tuple[str, str]], folder: Path, depth: int, *, constrain: bool = False) -> None:
        """Add lines, each with its place."""
        for line, place in _logical_lines(lines):
            if not line.startswith("-"):
                self.take(_requirement(line, folder), place, self.constraints if constrain else self.requirements)
                continue
            for name, value in _options(line, place):
                if name == "editable":
                    self.take(f"-e {_requirement(value, folder, editable=True)}", place, self.requirements)
                elif name in _WHOLE_LINE:
                    if depth == _DEEPEST:
                        raise InvalidEnvironment(f"{place}: requirements files include each other without end")
                    path = _included(value, folder, place)
                    is_constraint = constrain or name == "constraint"
                    self.add(_numbered(path, place), path.parent, depth + 1, constrain=is_constraint)
                elif name not in _NEEDLESS:
                    self.options.append(PipOption(name, _place(value, folder) if name == "find-links" else value))

    def take(self, text: str, place: str, among: list[str]) -> None:
        """Add a requirement or a constraint."""
        among.append(text)
        self.places.setdefault(text, place)


def _numbered(path: Path, place: str) -> list[tuple[str, str]]:
    """Return the lines of a file with their places; `place` is where it is included."""
    try:
        text = read_text(path)
    except InvalidEnvironment as error:
        raise InvalidEnvironment(f"{place}: {error}") from error
    return [(line, f"{path}, line {number}") for number, line in enumerate(text.splitlines(), 1)]


def _logical_lines(lines: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield lines without comments, with those joined that end in a backslash, and with variables replaced.

    The place of what was joined is that of its first line. A comment goes on in no other line (pip, `join_lines`).
    """
    pending = start = ""
    for line, place in lines:
        for part in line.splitlines():
            start = start or place
            if part.endswith("\\") and not part.lstrip().startswith("#"):
                pending += part[:-1]
                continue
            yield from _logical_line(pending + part, start)
            pending = start = ""
    yield from _logical_line(pending, start)


def _logical_line(text: str, place: str) -> Iterator[tuple[str, str]]:
    """Yield a line unless there is nothing but a comment in it."""
    whole = _COMMENT.sub("", text).strip()
    if whole:
        named = {found[1]: os.environ.get(found[1], "") for found in _VARIABLE.finditer(whole)}
        expanded = _VARIABLE.sub(lambda found: os.environ.get(found[1], found[0]), whole)
        if name := next((name for word in expanded.split() if (name := exposed_variable(word, named))), None):
            raise InvalidEnvironment(
                f"{place}: the value of {name} stands in a URL where images and messages would show it: put it before "
                "an @, or keep it in ~/.netrc"
            )
        yield expanded, place


def _options(line: str, place: str) -> Iterator[PipOption]:
    """Yield the options in a line; a value may follow a space, an equals sign or, behind a short name, nothing."""
    if len(line) > _LONGEST_OPTION:
        raise InvalidEnvironment(f"{place}: an option is longer than {_LONGEST_OPTION} characters")
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise InvalidEnvironment(f"{place}: {public_text(line)[:200]!r} cannot be read: {error}") from None
    while words:
        word = words.pop(0)
        if not word.startswith("-"):
            raise InvalidEnvironment(
                f"{place}: pip passes over what follows an option; write {public_text(word)[:100]!r} on a line of its "
                "own"
            )
        option, equals, value = word.partition("=")
        if not option.startswith("--") and len(option) > 2:
            option, equals, value = word[:2], "=", word[2:].removeprefix("=")
        name = _SHORT.get(option, option).removeprefix("--")
        if (name in _FLAGS or _NEEDLESS.get(name) is False) and not equals:
            yield PipOption(name)
            continue
        if name not in _VALUED | _WHOLE_LINE and not _NEEDLESS.get(name):
            raise InvalidEnvironment(
                f"{place}: {public_text(line)[:200]!r} is not an option that a requirements file may hold"
            )
        if name in _WHOLE_LINE:
            value, words = " ".join([*([value] if equals else []), *words]), []
        elif not equals and words:
            value = words.pop(0)
        if not value:
            raise InvalidEnvironment(f"{place}: the option {option} needs a value")
        yield PipOption(name, value)


def _included(value: str, folder: Path, place: str) -> Path:
    if "://" in value:
        raise UnsupportedInput(
            f"{place}: the requirements file {public_text(value)[:200]} is not on this machine; download it and "
            "name the file"
        )
    return folder / user_path(value)


def _requirement(text: str, folder: Path, *, editable: bool = False) -> str:
    """Return a requirement whose path, if it is one, is absolute."""
    if _URL.match(text) or " @ " in text:
        return text
    path = re.split(r"[\[;]", text, maxsplit=1)[0].rstrip()
    is_path = editable or path.startswith((".", "/", "~")) or os.sep in path or _ARCHIVE.search(path)
    return _place(path, folder) + text[len(path) :] if is_path else text


def _place(text: str, folder: Path) -> str:
    return text if _URL.match(text) else os.path.normpath((folder / user_path(text)).absolute())
