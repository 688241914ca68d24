"""What callers of the Python API pass, made into the values they mean.

A string stands for itself where a sequence is expected: `channels="conda-forge"` is one channel, not eleven letters.
Whatever cannot be meant raises a `TypeError` or `ValueError` that names the argument and what is allowed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path, PurePath
from typing import TypeVar

from conda_docker.arguments.spelling import did_you_mean

Conversion = Callable[[str, object], object]
"""From the name of an argument and what was passed for it to the value that it means."""

Choice = TypeVar("Choice", bound=StrEnum)

BILL_FORMATS = ("cyclonedx", "spdx")
"""The formats of bills of materials, as `conda_docker.sbom.document` has them."""


def convert_fields(instance: object, conversions: Mapping[str, Conversion]) -> None:
    """Give the named fields of a frozen dataclass the values that were meant, from its `__post_init__`."""
    for name, convert in conversions.items():
        object.__setattr__(instance, name, convert(name, getattr(instance, name)))


def to_texts(name: str, value: object) -> tuple[str, ...]:
    """Return strings: one, several in any iterable, or none.

    >>> to_texts("channels", "conda-forge"), to_texts("channels", ["a", "b"])
    (('conda-forge',), ('a', 'b'))
    """
    if value is None:
        return ()
    if isinstance(value, str):
        return (_unicode(name, value),)
    if not isinstance(value, Iterable) or isinstance(value, bytes | Mapping):
        raise wrong_type(name, "a string or a sequence of strings", value)
    items = tuple(value)
    for item in items:
        if not isinstance(item, str):
            raise wrong_type(name, "a sequence of strings", item, "one item is")
        _unicode(name, item)
    return items


def to_text(name: str, value: object) -> str | None:
    """Return a string or None; a whole number and a path are written out, as in `user=1000`."""
    if value is None:
        return None
    if isinstance(value, str):
        return _unicode(name, value)
    if isinstance(value, PurePath):
        return value.as_posix()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise wrong_type(name, "a string", value)


def to_flag(name: str, value: object) -> bool:
    """Return True or False; nothing else is taken for either."""
    if not isinstance(value, bool):
        raise wrong_type(name, "True or False", value)
    return value


def to_number(name: str, value: object) -> int:
    """Return a whole number."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise wrong_type(name, "a whole number", value)
    return value


def to_optional_number(name: str, value: object) -> int | None:
    """Return a whole number or None."""
    return None if value is None else to_number(name, value)


def to_path(name: str, value: object) -> Path | None:
    """Return a path with `~` replaced, or None."""
    if value is None:
        return None
    if not isinstance(value, str | os.PathLike):
        raise wrong_type(name, "a path", value)
    from conda_docker.user_files import user_path

    return user_path(value)


def to_paths(name: str, value: object) -> tuple[Path, ...]:
    """Return paths with `~` replaced: one, several, or none."""
    several = value if isinstance(value, Iterable) and not isinstance(value, str | bytes | os.PathLike) else (value,)
    return tuple(path for item in several if (path := to_path(name, item)) is not None)


def to_choice(name: str, value: object, *, kind: type[Choice], among: Sequence[Choice] = ()) -> Choice:
    """Return the member of an enumeration that `value` is or spells; with `among`, only one of these.

    >>> from conda_docker.build_options import Layering
    >>> to_choice("layering", "single", kind=Layering)
    <Layering.SINGLE: 'single'>
    """
    members = {str(member): member for member in among or kind}
    allowed = ", ".join(map(repr, members))
    if not isinstance(value, str):
        raise wrong_type(name, f"one of {allowed}", value)
    if value in members:
        return members[value]
    hint = did_you_mean(value.lower(), members)
    raise ValueError(f"{name} must be one of {allowed}, not {str(value)[:80]!r}{hint}")


def to_optional_choice(name: str, value: object, *, kind: type[Choice]) -> Choice | None:
    """Return the member of an enumeration that `value` is or spells, or None."""
    return None if value is None else to_choice(name, value, kind=kind)


def to_command(name: str, value: object) -> tuple[str, ...] | None:
    """Return a command's words: a string is split as a shell splits it, or read as JSON where it starts with `[`.

    >>> to_command("cmd", "python -c 'print(1)'"), to_command("cmd", '["a b", "c"]')
    (('python', '-c', 'print(1)'), ('a b', 'c'))
    """
    if value is None:
        return None
    if not isinstance(value, str):
        words = to_texts(name, value)
    else:
        import json
        import shlex

        try:
            words = to_texts(name, json.loads(value) if value.lstrip().startswith("[") else shlex.split(value))
        except TypeError:
            raise ValueError(
                f"{name} must be words as in a shell, or a JSON list of strings, not {value[:200]!r}"
            ) from None
        except (ValueError, RecursionError) as error:
            raise ValueError(
                f"{name} must be words as in a shell, or a JSON list of strings, not {value[:200]!r}: {error}"
            ) from None
    if any("\0" in word for word in words):
        raise ValueError(f"{name} must be a command, and no word of one can hold a NUL character")
    return words


def to_mapping(name: str, value: object) -> dict[str, str]:
    """Return names with values: a mapping, or strings `NAME=VALUE`.

    >>> to_mapping("env", {"A": 1}), to_mapping("env", ["A=1", "B=x=y"])
    ({'A': '1'}, {'A': '1', 'B': 'x=y'})
    """
    if isinstance(value, Mapping):
        found = {}
        for key, item in value.items():
            text = to_text(f"{name}[{key!r}]", item)
            if not isinstance(key, str) or text is None:
                raise TypeError(f"{name} must map strings to strings, not {key!r} to {item!r}")
            found[key] = text
        return _checked_mapping(name, found)
    found = {}
    for item in to_texts(name, value):
        key, equals, text = item.partition("=")
        if not key or not equals:
            raise ValueError(f"{name}: expected NAME=VALUE, got {item[:200]!r}")
        found[key] = text
    return _checked_mapping(name, found)


def _checked_mapping(name: str, found: dict[str, str]) -> dict[str, str]:
    for key, text in found.items():
        _unicode(name, key)
        if not key or "=" in key or "\0" in key + text:
            raise ValueError(f"{name}: {key[:80]!r} cannot be a name, or its value holds a NUL character")
    return found


def to_patterns(name: str, value: object) -> tuple[str, ...]:
    """Return patterns as in a `.gitignore`, each once, and sorted unless one takes others back, as `!*.py` does.

    One that matches nothing is refused: it is invalid, empty or a comment.

    >>> to_patterns("exclude", ["b", "a ", "b"])
    ('a', 'b')
    """
    patterns = to_texts(name, value)
    if not patterns:
        return ()
    from pathspec import GitIgnoreSpec

    for pattern in patterns:
        try:
            matches = any(parsed.include is not None for parsed in GitIgnoreSpec.from_lines([pattern]).patterns)
        except (ValueError, re.error):
            matches = False
        if not matches:
            raise ValueError(f"{name}: {pattern[:200]!r} is not a valid pattern; patterns look like *.pyi or share/doc")
    # Blanks at the end do not count, unless a backslash is before them.
    plain = tuple(pattern if pattern.rstrip(" ").endswith("\\") else pattern.rstrip(" ") for pattern in patterns)
    return plain if any(pattern.startswith("!") for pattern in plain) else tuple(sorted(set(plain)))


def _unicode(name: str, text: str) -> str:
    """Return `text`. Bytes of a command line that are not UTF-8 come as halves of surrogate pairs, which JSON lacks."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{name}: {text[:80]!r} is not valid UTF-8") from None
    return text


def wrong_type(name: str, expected: str, value: object, what: str = "got") -> TypeError:
    """Return the error for a value of a type that cannot be used for an argument."""
    return TypeError(f"{name} must be {expected}; {what} {type(value).__name__}: {str(value)[:80]!r}")
