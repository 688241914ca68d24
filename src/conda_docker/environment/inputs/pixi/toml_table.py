"""TOML documents with typed access to their values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from conda_docker.arguments.toml_document import KEY_AT_START, toml_document
from conda_docker.errors import InvalidEnvironment

_HEADER = re.compile(r"\s*\[\[?([^\[\]]+)\]\]?\s*(?:#.*)?")


class Table:
    """A table of a TOML document; errors name the file, the line where it can be found, and the key.

    >>> parse_toml('[a]\\nb = "c"\\n', "pixi.toml").table("a").text("b")
    'c'
    """

    __slots__ = ("_text", "_values", "file_name", "path")

    def __init__(self, values: Mapping[str, object], file_name: str, path: str = "", text: str = "") -> None:
        self._values = values
        self._text = text
        self.file_name = file_name
        self.path = path

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __bool__(self) -> bool:
        return bool(self._values)

    def key(self, key: str) -> str:
        """Return the full name of a key, such as `feature.test.channels`."""
        return f"{self.path}.{key}" if self.path else key

    def where(self, key: str) -> str:
        """Return the place of a key for messages, such as "line 3 of pixi.toml", and the key."""
        line = _line_of(self.key(key), self._text)
        return f"{f'line {line} of ' if line else ''}{self.file_name}: `{self.key(key)}`"

    def invalid(self, key: str, problem: str) -> InvalidEnvironment:
        """Return the error to raise for the value of a key."""
        return InvalidEnvironment(f"{self.where(key)} {problem}")

    def value(self, key: str) -> object:
        """Return any value, or None where there is none."""
        return self._values.get(key)

    def text(self, key: str) -> str | None:
        """Return a string, or None where there is none. Raises `InvalidEnvironment` for anything else."""
        value = self._values.get(key)
        if value is None or isinstance(value, str):
            return value
        raise self.invalid(key, "should be a string")

    def truth(self, key: str) -> bool:
        """Return a boolean, False where there is none. Raises `InvalidEnvironment` for anything else."""
        value = self._values.get(key, False)
        if isinstance(value, bool):
            return value
        raise self.invalid(key, "should be true or false")

    def items(self, key: str) -> list[object]:
        """Return a list, empty where there is none. Raises `InvalidEnvironment` for anything else."""
        value = self._values.get(key, [])
        if isinstance(value, list):
            return value
        raise self.invalid(key, "should be a list")

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of strings, empty where there is none. Raises `InvalidEnvironment` for anything else."""
        texts = tuple(item for item in self.items(key) if isinstance(item, str))
        if len(texts) != len(self.items(key)):
            raise self.invalid(key, "should be a list of strings")
        return texts

    def table(self, key: str) -> Table:
        """Return a table, an empty one where there is none. Raises `InvalidEnvironment` for anything else."""
        value = self._values.get(key, {})
        if isinstance(value, dict):
            return Table(value, self.file_name, self.key(key), self._text)
        raise self.invalid(key, "should be a table")

    def tables(self, key: str) -> Iterator[tuple[str, Table]]:
        """Yield the names and tables of a table of tables. Raises `InvalidEnvironment` for anything else."""
        outer = self.table(key)
        for name in outer:
            yield name, outer.table(name)


def parse_toml(text: str, file_name: str) -> Table:
    """Return what a TOML document holds. Raises `InvalidEnvironment`, with the line, for what is not TOML."""
    return Table(toml_document(text, file_name), file_name, text=text)


def _line_of(path: str, text: str) -> int | None:
    """Return the line of a key or table of a document; None where it is inside of an inline table or list.

    >>> _line_of("a.b", "[a]\\nb = 1\\n")
    2
    """
    header = ""
    for number, line in enumerate(text.splitlines(), 1):
        if found := _HEADER.fullmatch(line):
            header = _plain(found[1])
            if path == header:
                return number
        elif (found := KEY_AT_START.match(line)) and path == f"{header}.{_plain(found[1])}".lstrip("."):
            return number
    return None


def _plain(key: str) -> str:
    """Return a dotted key without quotes and spaces."""
    return re.sub(r"[\s\"']", "", key)
