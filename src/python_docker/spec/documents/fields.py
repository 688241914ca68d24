"""Fields: frozen values read from JSON objects; every field is checked when it is read, and unknown ones are kept.

A field says in its metadata what it is called in JSON and which reader checks it:

    size: int = field(metadata=json_field("size", integer(0, 2**63 - 1)))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Final, NamedTuple, Self, TypeVar

from python_docker.errors import InvalidDigest, InvalidDocument
from python_docker.spec.digest import Digest

T = TypeVar("T")
Reader = Callable[[Any], T]
"""Returns a JSON value as Python's, or raises `Malformed`."""

MAX_ITEMS: Final = 10_000
"""How many layers an image, or images an index, may have."""
_FIELD: Final = "json"
_SHOWN = 120  # characters


class Malformed(ValueError):
    """A JSON value that is not what its place asks for; `place` leads to it, from the outside in."""

    def __init__(self, message: str, place: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.place = place

    def within(self, step: str | int) -> Malformed:
        """Return the same error of the value around this one."""
        return Malformed(str(self), (step, *self.place))


class JsonField(NamedTuple):
    """How one field is read: its name in JSON, and its reader."""

    name: str
    read: Reader[Any]


def json_field(name: str, read: Reader[Any]) -> Mapping[str, JsonField]:
    """Return the metadata of a dataclass field that is `name` in JSON."""
    return {_FIELD: JsonField(name, read)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The fields of one JSON object, as the specifications spell them.

    `rest` holds the fields that are not known here, and null for known ones that are null, which reads as absent.
    """

    rest: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read the fields by their names in JSON. Raises `InvalidDocument`."""
        return read_document(cls.read, value, cls.__name__.lower())

    @classmethod
    def read(cls, value: Any) -> Self:
        """Read the fields, as a `Reader`: raises `Malformed`."""
        if not isinstance(value, dict):
            raise Malformed("expected an object")
        found: dict[str, Any] = {}
        for attribute, (rule, is_required) in _known_fields(cls).items():
            if is_required and rule.name not in value:
                raise Malformed("missing", (rule.name,))
            content = value.get(rule.name)
            if content is None and not is_required:
                continue
            try:
                found[attribute] = rule.read(content)
            except Malformed as error:
                raise error.within(rule.name) from None
        names = json_names(cls)
        rest = {name: content for name, content in value.items() if name not in names or content is None}
        return cls(rest=rest, **found)

    def to_json(self) -> dict[str, Any]:
        """Return the fields that are set, by their names in JSON: known ones first, then the rest."""
        value: dict[str, Any] = {}
        rest = dict(self.rest)
        for attribute, (rule, _) in _known_fields(type(self)).items():
            content = getattr(self, attribute)
            if content is not None:
                value[rule.name] = _fresh(content)
                rest.pop(rule.name, None)
            elif rule.name in rest:
                value[rule.name] = rest.pop(rule.name)
        return value | {name: _fresh(content) for name, content in rest.items()}


_known: dict[type[Fields], dict[str, tuple[JsonField, bool]]] = {}


def _known_fields(kind: type[Fields]) -> dict[str, tuple[JsonField, bool]]:
    """Return the rule of each attribute that is in JSON, and whether the field must be there."""
    found = _known.get(kind)
    if found is None:
        found = _known[kind] = {
            one.name: (one.metadata[_FIELD], one.default is MISSING and one.default_factory is MISSING)
            for one in fields(kind)
            if _FIELD in one.metadata
        }
    return found


def json_names(kind: type[Fields]) -> frozenset[str]:
    """Return the names in JSON of the fields that are known."""
    return frozenset(rule.name for rule, _ in _known_fields(kind).values())


def json_name(kind: type[Fields], attribute: str) -> str:
    """Return the name in JSON of an attribute."""
    return _known_fields(kind)[attribute][0].name


def _fresh(content: Any) -> Any:
    """Return JSON values of their own, so that nobody changes a frozen value by its lists."""
    if isinstance(content, dict):
        return {name: _fresh(item) for name, item in content.items()}
    return [_fresh(item) for item in content] if isinstance(content, list | tuple) else content


def read_document(read: Reader[T], value: Any, what: str) -> T:
    """Read a whole document. Raises `InvalidDocument`, which says where in `what` it is malformed."""
    try:
        return read(value)
    except Malformed as error:
        place = ".".join(map(str, error.place)) or "the top"
        raise InvalidDocument(f"{what} is malformed at {place[:_SHOWN]!r}: {error}") from None


def string(max_length: int | None = None) -> Reader[str]:
    """Return the reader of a string of at most `max_length` characters."""

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise Malformed("expected a string")
        if max_length is not None and len(value) > max_length:
            raise Malformed(f"expected at most {max_length} characters")
        return value

    return read


def integer(least: int, most: int) -> Reader[int]:
    """Return the reader of an integer in a range; `2.0` and `true` are not integers."""

    def read(value: Any) -> int:
        if type(value) is not int or not least <= value <= most:
            raise Malformed(f"expected {least}" if least == most else f"expected an integer from {least} to {most}")
        return value

    return read


def boolean(value: Any) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise Malformed("expected true or false")
    return value


def digest(value: Any) -> Digest:
    """Read a digest."""
    if not isinstance(value, str):
        raise Malformed("expected a digest")
    try:
        return Digest(value)
    except InvalidDigest as error:
        raise Malformed(str(error)) from None


def json_object(value: Any) -> dict[str, Any]:
    """Read an object of any fields."""
    if not isinstance(value, dict):
        raise Malformed("expected an object")
    return dict(value)


def strings_by_name(value: Any) -> dict[str, str]:
    """Read an object of strings."""
    read = string()
    found: dict[str, str] = {}
    for name, content in json_object(value).items():
        try:
            found[name] = read(content)
        except Malformed as error:
            raise error.within(name) from None
    return found


def list_of(read: Reader[T], *, max_items: int | None = None, null_is_empty: bool = False) -> Reader[tuple[T, ...]]:
    """Return the reader of a list; with `null_is_empty`, null is one without elements, as Go writes it."""

    def read_list(value: Any) -> tuple[T, ...]:
        if value is None and null_is_empty:
            return ()
        if not isinstance(value, list | tuple):
            raise Malformed("expected a list")
        if max_items is not None and len(value) > max_items:
            raise Malformed(f"expected at most {max_items} elements")
        found: list[T] = []
        for place, item in enumerate(value):
            try:
                found.append(read(item))
            except Malformed as error:
                raise error.within(place) from None
        return tuple(found)

    return read_list
