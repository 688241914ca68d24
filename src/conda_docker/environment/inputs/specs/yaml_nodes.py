"""YAML documents as nodes, whose scalars know how they were written and whose comments can be found by their lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeGuard, cast

from conda_docker.environment.inputs.specs.yaml_scalars import text_of_plain
from conda_docker.errors import InvalidEnvironment
from conda_docker.yaml_document import YamlMapping, YamlValue, quick_loader, yaml_errors

if TYPE_CHECKING:
    from yaml import MappingNode, Node, ScalarNode, SequenceNode

    from python_docker.errors import Error

_LARGEST = 1 << 20
# Bytes. Nodes take more room than values: a hundred times the text.
_DEEPEST = 50
TEMPLATE = "it looks like a template of Jinja: render it first, or write the values into it"
"""What is said of `{% ... %}` and `{{ ... }}`, with which some tools write such files."""
_MERGE = "<<"  # https://yaml.org/type/merge.html, which conda's parser knows
_NULL = frozenset({"", "~", "null", "Null", "NULL"})


def compose_document(text: str, file_name: str) -> Node | None:
    """Return the nodes of a YAML document, whose scalars know how they were written; None where it is empty.

    Raises `InvalidEnvironment`, with the line, for what is not YAML, and for more than 1 MiB.
    """
    import yaml

    if len(text) > _LARGEST:
        raise InvalidEnvironment(f"{file_name} has more than {_LARGEST >> 10} KiB, too much for a file of settings")
    try:
        with yaml_errors(file_name):
            node: Node | None = yaml.compose(text, Loader=quick_loader())
            return node
    except InvalidEnvironment as error:
        if "{%" in text or "{{" in text:
            raise InvalidEnvironment(f"{error}; {TEMPLATE}") from error
        raise


def read_node(node: Node, file_name: str) -> YamlValue:
    """Return the value of a document's node, or of a part of it. Raises `InvalidEnvironment`."""
    with yaml_errors(file_name):
        return _Reader(file_name).value(node, 0)


def is_mapping(node: Node) -> TypeGuard[MappingNode]:
    """Return whether a node is a mapping; the parser's classes are imported only where a document is read."""
    return getattr(node, "id", None) == "mapping"


def is_sequence(node: Node) -> TypeGuard[SequenceNode]:
    """Return whether a node is a list."""
    return getattr(node, "id", None) == "sequence"


def is_scalar(node: Node) -> TypeGuard[ScalarNode]:
    """Return whether a node is a scalar, whose `style` is None where it is neither quoted nor a block."""
    return getattr(node, "id", None) == "scalar"


def merged_mapping(
    node: MappingNode, invalid: Callable[[str, Node], Error], known: dict[int, dict[str, Node]]
) -> dict[str, Node]:
    """Return the values of a mapping's keys, with those that it merges from others (`<<: *other`).

    `known` keeps what was found of mappings, by their nodes. Raises what `invalid` makes of a problem and its node.
    """
    if id(node) in known:
        return known[id(node)]
    found: dict[str, Node] = {}
    known[id(node)] = found  # a mapping may merge itself
    merged: list[Node] = []
    for key, value in node.value:
        if not is_scalar(key):
            raise invalid("a key should be a string", key)
        if key.value == _MERGE and not key.style:
            merged += value.value if is_sequence(value) else [value]
            continue
        if key.value in found:
            raise invalid(f"`{key.value[:80]}` is defined twice", key)
        found[key.value] = value
    for other in merged:
        if not is_mapping(other):
            raise invalid("`<<` should name a mapping, or a list of mappings", other)
        found |= {name: value for name, value in merged_mapping(other, invalid, known).items() if name not in found}
    return found


def is_null(node: Node) -> bool:
    """Return whether a node is what YAML 1.1 takes for nothing: no value, `~` or `null`."""
    return is_scalar(node) and not node.style and text_of_plain(node.value) == ""


def is_empty(node: Node) -> bool:
    """Return whether a node is nothing, or a list or a mapping with nothing in it."""
    return is_null(node) or (not is_scalar(node) and not node.value)


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
                    f"line {key.start_mark.line + 1} of {self.file_name}: `{key.value[:80]}` is defined twice"
                )
            mapping[key.value] = self.value(item, depth + 1)
        return mapping
