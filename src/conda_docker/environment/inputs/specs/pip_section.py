"""What an environment file gives to pip: lines of a requirements file.

The format is in pip's documentation, "Requirements File Format". conda writes the entries of a `pip:` section into a
requirements file next to the environment file, so relative paths are relative to its folder, and everything that such a
file may hold may stand there.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from conda_docker.environment.wheels import PipRequirements
from conda_docker.errors import InvalidEnvironment, UnsupportedInput
from conda_docker.redaction import public_text
from conda_docker.user_files import read_text, user_path

# Short and long names of the options with a value that such a file may hold.
_WITH_VALUE = {
    "-i": "--index-url",
    "--index-url": "--index-url",
    "--pypi-url": "--index-url",
    "--extra-index-url": "--extra-index-url",
    "-f": "--find-links",
    "--find-links": "--find-links",
    "--no-binary": "--no-binary",
    "--only-binary": "--only-binary",
    "--trusted-host": "--trusted-host",
    "--use-feature": "--use-feature",
}
_FLAGS = frozenset({"--no-index", "--pre", "--prefer-binary", "--require-hashes"})
_REQUIREMENTS = frozenset({"-r", "--requirement"})
_CONSTRAINTS = frozenset({"-c", "--constraint"})
_EDITABLE = frozenset({"-e", "--editable"})
_COMMENT = re.compile(r"(?:^|(?<!\s)\s+)#.*$")
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_ARCHIVE = re.compile(r"\.(?:whl|zip|tar\.gz|tgz|tar\.bz2|tar\.xz)$", re.IGNORECASE)
_URL = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]+:|[A-Za-z+]+@)")
_DEEPEST = 10
_LONGEST_OPTION = 10_000


def read_pip_section(
    lines: Iterable[str], *, folder: Path, origin: str, numbers: Iterable[int] = ()
) -> PipRequirements | None:
    """Return what these lines ask for, with the files that they include read and all paths absolute.

    `origin` names the lines in messages, with their `numbers` where these are given. None where they ask for nothing.
    Raises `InvalidEnvironment` for a file that cannot be read or a line that pip would not take, and
    `UnsupportedInput` for a file that is to be downloaded.

    >>> found = read_pip_section(["flask >=3  # web", "-i https://index.example.org"], folder=Path("/w"), origin="x")
    >>> found.requirements, found.options
    (('flask >=3',), ('--index-url https://index.example.org',))
    """
    section = _Section()
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
class _Section:
    """What was read so far."""

    requirements: list[str] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)

    def add(self, lines: Iterable[tuple[str, str]], folder: Path, depth: int, *, constrain: bool = False) -> None:
        """Add lines, each with its place."""
        for line, place in _logical_lines(lines):
            if not line.startswith("-"):
                self.take(_requirement(line, folder), place, self.constraints if constrain else self.requirements)
                continue
            name, value = _option(line, place)
            if name in _REQUIREMENTS | _CONSTRAINTS:
                if depth == _DEEPEST:
                    raise InvalidEnvironment(f"{place}: requirements files include each other without end")
                path = _included(value, folder, place)
                self.add(_numbered(path, place), path.parent, depth + 1, constrain=constrain or name in _CONSTRAINTS)
            elif name in _EDITABLE:
                self.take(f"-e {_requirement(value, folder, editable=True)}", place, self.requirements)
            elif name in _FLAGS:
                self.options.append(name)
            else:
                long = _WITH_VALUE[name]
                self.options.append(f"{long} {_place(value, folder) if long == '--find-links' else value}")

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

    The place of what was joined is that of its last line.
    """
    pending = place = ""
    for line, place in lines:
        for part in line.splitlines() or [""]:
            if part.endswith("\\"):
                pending += part[:-1]
                continue
            whole = _COMMENT.sub("", pending + part).strip()
            pending = ""
            if whole:
                yield _VARIABLE.sub(lambda found: os.environ.get(found[1], found[0]), whole), place
    if pending.strip():
        yield pending.strip(), place


def _option(line: str, place: str) -> tuple[str, str]:
    """Return the name of an option and its value, which may follow a space, an equals sign or, if short, nothing."""
    if len(line) > _LONGEST_OPTION:
        raise InvalidEnvironment(f"{place}: an option is longer than {_LONGEST_OPTION} characters")
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise InvalidEnvironment(f"{place}: {public_text(line)[:200]!r} cannot be read: {error}") from None
    name, equals, value = words[0].partition("=")
    rest = words[1:]
    if not name.startswith("--") and len(name) > 2:
        name, value, equals = line[:2], words[0][2:].removeprefix("="), "="
    takes_value = name in _WITH_VALUE or name in _REQUIREMENTS | _CONSTRAINTS | _EDITABLE
    if name in _FLAGS and not equals and not rest:
        return name, ""
    if not takes_value:
        raise InvalidEnvironment(
            f"{place}: {public_text(line)[:200]!r} is not an option that a requirements file may hold"
        )
    if name in _WITH_VALUE:
        _check_rest(rest if equals else rest[1:], place)
    value = " ".join(([value] if equals else []) + rest)
    if not value:
        raise InvalidEnvironment(f"{place}: the option {name} needs a value")
    return name, value


def _check_rest(words: list[str], place: str) -> None:
    """Raise `InvalidEnvironment` for a requirement among the words behind an option's value; pip would drop it."""
    is_value = False
    for word in words:
        if not is_value and not word.startswith("-"):
            raise InvalidEnvironment(
                f"{place}: pip passes over what follows an option; write {public_text(word)[:100]!r} on a line of its "
                "own"
            )
        is_value = not is_value and word in _WITH_VALUE


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
