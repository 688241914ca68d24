"""YAML documents as strings, lists and mappings that know their lines: lock files and conda's configuration.

Every scalar stays the string that the file holds. What YAML 1.1 or 1.2 would make of it differs, and is wrong for a
lock file: a version `1.10` is not 1.1, a build `1_0` not ten, and an MD5 of digits with one `e` not a number. An alias
is the value that it names, not a copy of it, so that no document becomes larger than its text.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeAlias, cast

from conda_docker.errors import InvalidEnvironment
from conda_docker.redaction import public_text

if TYPE_CHECKING:
    from yaml import BaseLoader, Event

# A lock file has five levels.
_DEEPEST = 50
# A lock file of 3 MB has 220 000 values.
_MOST = 1_000_000
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})

YamlValue: TypeAlias = "str | list[YamlValue] | YamlMapping | None"


class YamlMapping(dict[str, YamlValue]):
    """A mapping of a document, with typed access to its values; errors name the file and the line.

    >>> entry = parse_document("name: zlib\\nsize: 10\\n", "conda-lock.yml")
    >>> entry.text("name"), entry.number("size"), entry.texts("depends")
    ('zlib', 10, ())
    """

    __slots__ = ("file_name", "line")

    def __init__(self, file_name: str, line: int) -> None:
        super().__init__()
        self.file_name = file_name
        self.line = line

    @property
    def where(self) -> str:
        """The place of this mapping for messages, such as "line 3 of conda-lock.yml"."""
        return f"line {self.line} of {self.file_name}"

    def invalid(self, problem: str) -> InvalidEnvironment:
        """Return the error to raise for a problem at this place."""
        return InvalidEnvironment(f"{self.where}: {problem}")

    def text(self, key: str) -> str | None:
        """Return a string, or None where there is none. Raises `InvalidEnvironment` for a list or mapping."""
        value = self.get(key)
        if value is None or isinstance(value, str):
            return value
        raise self.invalid(f"`{key}` should be a string")

    def required(self, key: str) -> str:
        """Return a string. Raises `InvalidEnvironment` where there is none or an empty one."""
        value = self.text(key)
        if not value:
            raise self.invalid(f"`{key}` is missing")
        return value

    def number(self, key: str) -> int | None:
        """Return a whole number that is not negative, or None where there is none. Raises `InvalidEnvironment`."""
        value = self.text(key)
        if value is None:
            return None
        if not value.isascii() or not value.isdigit() or len(value) > 20:
            raise self.invalid(f"`{key}` should be a whole number, not {value[:80]!r}")
        return int(value)

    def truth(self, key: str) -> bool:
        """Return whether the value is `true`."""
        return self.text(key) in _TRUE

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of strings, empty where there is none. Raises `InvalidEnvironment` for anything else."""
        value = self.get(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.invalid(f"`{key}` should be a list of strings")
        return tuple(cast("list[str]", value))

    def mapping(self, key: str) -> YamlMapping | None:
        """Return a mapping, or None where there is none. Raises `InvalidEnvironment` for anything else."""
        value = self.get(key)
        if value is None or isinstance(value, YamlMapping):
            return value
        raise self.invalid(f"`{key}` should be a mapping of names to values")

    def mappings(self, key: str) -> Iterator[YamlMapping]:
        """Yield the mappings of a list, none where there is no list. Raises `InvalidEnvironment` for anything else."""
        value = self.get(key)
        if value is None:
            return
        if not isinstance(value, list):
            raise self.invalid(f"`{key}` should be a list")
        for number, item in enumerate(value, 1):
            if not isinstance(item, YamlMapping):
                raise self.invalid(f"entry {number} of `{key}` should be a mapping of names to values")
            yield item


def parse_document(text: str, file_name: str) -> YamlMapping:
    """Return the mapping that a YAML document holds; `file_name` names it in messages.

    Tags count for nothing, and neither do merge keys (`<<`), which no lock file has. Raises `InvalidEnvironment`, with
    the line, for what is not YAML or not a mapping, for a key that is defined twice, and for a document that is nested
    without end or has millions of values.
    """
    value = parse_yaml(text, file_name)
    if not isinstance(value, YamlMapping):
        raise InvalidEnvironment(f"{file_name} should hold a mapping of names to values")
    return value


def parse_yaml(text: str, file_name: str) -> YamlValue:
    """Return the value that a YAML document holds, or None for an empty one. Raises as `parse_document`."""
    import yaml

    with yaml_errors(file_name):
        return _Reader(file_name).read(yaml.parse(text, Loader=quick_loader()))


def quick_loader() -> type[BaseLoader]:
    """Return libyaml's parser, which is thirty times as fast as the one in Python, or that where there is no other."""
    import yaml

    return cast("type[BaseLoader]", getattr(yaml, "CBaseLoader", yaml.BaseLoader))


@contextlib.contextmanager
def yaml_errors(file_name: str) -> Iterator[None]:
    """Turn the parser's errors into `InvalidEnvironment` with the line, and read without a search for garbage.

    The search takes half of the time: a document is many objects and no cycle.
    """
    import yaml

    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1} of " if mark else ""
        problem = public_text(", ".join(filter(None, (error.context, error.problem))))
        raise InvalidEnvironment(f"{line}{file_name} is not valid YAML: {problem[:500]}") from error
    except yaml.YAMLError as error:
        raise InvalidEnvironment(f"{file_name} is not valid YAML: {public_text(str(error))[:500]}") from error
    except RecursionError as error:
        raise InvalidEnvironment(f"{file_name} is nested too deeply") from error
    finally:
        if enabled:
            gc.enable()


class _Reader:
    """From the parser's events to the value of a document. `anchors` holds what an alias may name."""

    def __init__(self, file_name: str) -> None:
        self._file_name = file_name
        self._anchors: dict[str, YamlValue] = {}
        # The lists and mappings that are open, and for each mapping the key whose value comes next.
        self._open: list[list[YamlValue] | YamlMapping] = []
        self._keys: list[str | None] = []
        self._values: list[YamlValue] = []

    def read(self, events: Iterable[Event]) -> YamlValue:
        """Return the value of the only document, or None where there is none."""
        import yaml

        documents = 0
        for count, event in enumerate(events):
            if count > _MOST:
                raise InvalidEnvironment(f"{self._file_name} has more than {_MOST} values: no list of packages has")
            if isinstance(event, yaml.ScalarEvent):
                # Quoted, "null" is a string; a key is one in any case.
                is_null = not event.style and event.value in _NULL and not self._is_key()
                self._take(None if is_null else event.value, event)
            elif isinstance(event, yaml.MappingStartEvent):
                self._start(YamlMapping(self._file_name, _line(event)), event)
            elif isinstance(event, yaml.SequenceStartEvent):
                self._start([], event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._open.pop()
                self._keys.pop()
            elif isinstance(event, yaml.AliasEvent):
                anchor = event.anchor or ""
                if anchor not in self._anchors:
                    raise self._invalid(event, f"there is no anchor `{anchor[:80]}`")
                self._take(self._anchors[anchor], event)
            elif isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._invalid(event, "a second document starts here")
        return self._values[0] if self._values else None

    def _start(self, value: list[YamlValue] | YamlMapping, event: Event) -> None:
        if len(self._open) > _DEEPEST:
            raise self._invalid(event, "nested too deeply")
        self._take(value, event)
        self._open.append(value)
        self._keys.append(None)

    def _is_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1], YamlMapping) and self._keys[-1] is None

    def _take(self, value: YamlValue, event: Event) -> None:
        """Put a value where it belongs: at the end of a list, or as the key or the value of a mapping's entry."""
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            self._anchors[anchor] = value
        if not self._open:
            self._values.append(value)
            return
        container = self._open[-1]
        if isinstance(container, list):
            container.append(value)
            return
        key = self._keys[-1]
        if key is not None:
            container[key] = value
            self._keys[-1] = None
        elif not isinstance(value, str):
            raise self._invalid(event, "a key should be a string")
        elif value in container:
            raise self._invalid(event, f"`{value[:80]}` is defined twice")
        else:
            self._keys[-1] = value

    def _invalid(self, event: Event, problem: str) -> InvalidEnvironment:
        return InvalidEnvironment(f"line {_line(event)} of {self._file_name}: {problem}")


def _line(event: Event) -> int:
    return event.start_mark.line + 1 if event.start_mark is not None else 1
