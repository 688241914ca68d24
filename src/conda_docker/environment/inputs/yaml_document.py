"""YAML documents as strings, lists and mappings that know their lines, which is what lock files are read from.

Every scalar stays the string that the file holds. What YAML 1.1 or 1.2 would make of it differs, and is wrong for a
lock file: a version `1.10` is not 1.1, a build `1_0` not ten, and an MD5 of digits with one `e` not a number. An alias
is the value that it names, not a copy of it, so that no document becomes larger than its text.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias, TypeGuard, cast

from conda_docker.errors import InvalidEnvironment
from conda_docker.redaction import public_text

if TYPE_CHECKING:
    from yaml import MappingNode, Node, ScalarNode, SequenceNode

# A lock file has five levels.
_DEEPEST = 50
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
    the line, for what is not YAML or not a mapping, for a key that stands twice, and for a document that is nested
    without end.
    """
    node = compose_document(text, file_name)
    value = None if node is None else read_node(node, file_name)
    if not isinstance(value, YamlMapping):
        raise InvalidEnvironment(f"{file_name} should hold a mapping of names to values")
    return value


def read_node(node: Node, file_name: str) -> YamlValue:
    """Return the value of a document's node, or of a part of it. Raises `InvalidEnvironment`."""
    try:
        with _without_collection():
            return _Reader(file_name).value(node, 0)
    except RecursionError as error:
        raise InvalidEnvironment(f"{file_name} is nested too deeply") from error


def compose_document(text: str, file_name: str) -> Node | None:
    """Return the nodes of a YAML document, whose scalars know how they were written; None where it is empty.

    Raises `InvalidEnvironment`, with the line, for what is not YAML.
    """
    import yaml

    try:
        # libyaml's parser is thirty times as fast as the one in Python, which reads the same documents.
        with _without_collection():
            node: Node | None = yaml.compose(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))
            return node
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1} of " if mark else ""
        problem = public_text(", ".join(filter(None, (error.context, error.problem))))
        raise InvalidEnvironment(f"{line}{file_name} is not valid YAML: {problem[:500]}") from error
    except yaml.YAMLError as error:
        raise InvalidEnvironment(f"{file_name} is not valid YAML: {public_text(str(error))[:500]}") from error
    except RecursionError as error:
        raise InvalidEnvironment(f"{file_name} is nested too deeply") from error


@contextlib.contextmanager
def _without_collection() -> Iterator[None]:
    """Stop the search for garbage, which takes three quarters of the time: a document is many objects and no cycle."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def is_mapping(node: Node) -> TypeGuard[MappingNode]:
    """Return whether a node is a mapping; the parser's classes are imported only where a document is read."""
    return getattr(node, "id", None) == "mapping"


def is_sequence(node: Node) -> TypeGuard[SequenceNode]:
    """Return whether a node is a list."""
    return getattr(node, "id", None) == "sequence"


def is_scalar(node: Node) -> TypeGuard[ScalarNode]:
    """Return whether a node is a scalar, whose `style` is None where it is neither quoted nor a block."""
    return getattr(node, "id", None) == "scalar"


class _Reader:
    """From the parser's nodes to values. `known` keeps what an alias refers to."""

    def __init__(self, file_name: str) -> None:
        self.file_name = file_name
        self.known: dict[int, YamlValue] = {}

    def value(self, node: Node, depth: int) -> YamlValue:
        import yaml

        if isinstance(node, yaml.ScalarNode):
            # Quoted, "null" is a string.
            return None if not node.style and node.value in _NULL else cast("str", node.value)
        if id(node) in self.known:
            return self.known[id(node)]
        if depth > _DEEPEST:
            raise InvalidEnvironment(f"line {node.start_mark.line + 1} of {self.file_name}: nested too deeply")
        if isinstance(node, yaml.SequenceNode):
            items: list[YamlValue] = []
            self.known[id(node)] = items
            items.extend(self.value(item, depth + 1) for item in node.value)
            return items
        mapping = YamlMapping(self.file_name, node.start_mark.line + 1)
        self.known[id(node)] = mapping
        for key, item in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise mapping.invalid("a key should be a string")
            if key.value in mapping:
                raise InvalidEnvironment(
                    f"line {key.start_mark.line + 1} of {self.file_name}: `{key.value[:80]}` stands twice"
                )
            mapping[key.value] = self.value(item, depth + 1)
        return mapping
