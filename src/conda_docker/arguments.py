"""What callers of the Python API pass, made into the values they mean.

A string stands for itself where a sequence is expected: `channels="conda-forge"` is one channel, not eleven letters.
Whatever cannot be meant raises a `TypeError` or `ValueError` that names the argument and what is allowed.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path, PurePath
from typing import TypeVar

from python_docker.errors import InvalidPath
from python_docker.tar import clamped_path, contained_path

Conversion = Callable[[str, object], object]
"""From the name of an argument and what was passed for it to the value that it means."""

Choice = TypeVar("Choice", bound=StrEnum)

_SYSTEM_FOLDERS = frozenset({"bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "proc", "root", "sbin", "sys"})
_SHARED_FOLDERS = frozenset({"home", "media", "mnt", "opt", "run", "srv", "tmp", "usr", "var"})
_PORT = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?(?:/(tcp|udp|sctp))?")


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
        return (value,)
    if not isinstance(value, Iterable) or isinstance(value, bytes | Mapping):
        raise _wrong_type(name, "a string or a sequence of strings", value)
    items = tuple(value)
    for item in items:
        if not isinstance(item, str):
            raise _wrong_type(name, "a sequence of strings", item, "one item is")
    return items


def to_text(name: str, value: object) -> str | None:
    """Return a string or None; a whole number and a path are written out, as in `user=1000`."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, PurePath):
        return value.as_posix()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise _wrong_type(name, "a string", value)


def to_home(name: str, value: object) -> str | None:
    """Return the home folder of a user as `/etc/passwd` has it (passwd(5)), or None.

    Raises `InvalidPath` for a relative path, for a folder of the system, which would become the user's own, and for
    what a line of that file cannot hold.

    >>> to_home("home", "/home//app/")
    '/home/app'
    """
    text = to_text(name, value)
    if text is None:
        return None
    if not text.startswith("/") or ":" in text or not text.isprintable():
        raise InvalidPath(f"{name} must be an absolute path without ':', such as /home/app, not {text[:200]!r}")
    top, _, below = clamped_path(text).partition("/")
    if not top or top in _SYSTEM_FOLDERS or (top in _SHARED_FOLDERS and not below):
        raise InvalidPath(f"{name} cannot be {text[:200]!r}, a folder of the system; choose one such as /home/app")
    return f"/{contained_path(text)}"


def to_folder(name: str, value: object) -> str | None:
    """Return the absolute path of a folder in the image, or None. Raises `InvalidPath` for a relative one.

    Runtimes start nothing in a relative folder (runtime-spec, config.md, `cwd`).
    """
    text = to_text(name, value)
    if text is not None and (not text.startswith("/") or "\0" in text):
        raise InvalidPath(f"{name} must be an absolute path in the image, such as /srv, not {text[:200]!r}")
    return text


def to_flag(name: str, value: object) -> bool:
    """Return True or False; nothing else is taken for either."""
    if not isinstance(value, bool):
        raise _wrong_type(name, "True or False", value)
    return value


def to_number(name: str, value: object) -> int:
    """Return a whole number."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong_type(name, "a whole number", value)
    return value


def to_optional_number(name: str, value: object) -> int | None:
    """Return a whole number or None."""
    return None if value is None else to_number(name, value)


def to_mode(name: str, value: object) -> int | None:
    """Return the mode of a file, or None: a string is octal, as chmod(1) takes it.

    >>> to_mode("chmod", "644") == to_mode("chmod", 0o644)
    True
    """
    if isinstance(value, str):
        try:
            value = int(value, 8)
        except ValueError:
            raise ValueError(f"{name} must be an octal mode such as 644 or 0755, not {str(value)[:80]!r}") from None
    mode = to_optional_number(name, value)
    if mode is not None and not 0 <= mode <= 0o777:
        raise ValueError(f"{name} must be from 0 to 777, in octal digits")
    return mode


def to_path(name: str, value: object) -> Path | None:
    """Return a path with `~` replaced, or None."""
    from conda_docker.user_files import user_path

    if value is None:
        return None
    if not isinstance(value, str | os.PathLike):
        raise _wrong_type(name, "a path", value)
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
        raise _wrong_type(name, f"one of {allowed}", value)
    if value in members:
        return members[value]
    from difflib import get_close_matches

    near = get_close_matches(value.lower(), members, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
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
        import shlex

        try:
            words = to_texts(name, json.loads(value) if value.lstrip().startswith("[") else shlex.split(value))
        except (ValueError, TypeError, RecursionError) as error:
            raise ValueError(f"{name} must be a command, not {value[:200]!r}: {error}") from None
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
        if not key or "=" in key or "\0" in key + text:
            raise ValueError(f"{name}: {key[:80]!r} cannot be a name, or its value holds a NUL character")
    return found


def to_patterns(name: str, value: object) -> tuple[str, ...]:
    """Return patterns as in a `.gitignore`. One that matches nothing is refused: it is invalid, empty or a comment."""
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
    return patterns


def to_ports(name: str, value: object) -> tuple[str, ...]:
    """Return ports as images have them, such as `8080/tcp`; a range gives each of its ports.

    >>> to_ports("expose", 80), to_ports("expose", ["5000-5001/udp"])
    (('80/tcp',), ('5000/udp', '5001/udp'))
    """
    if isinstance(value, int) or (isinstance(value, Iterable) and not isinstance(value, str)):
        numbers = [value] if isinstance(value, int) else list(value)
        value = [to_text(name, number) for number in numbers]
    ports = []
    for text in to_texts(name, value):
        match = _PORT.fullmatch(text.lower())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if match is None or not 1 <= first <= last <= 65535:
            raise ValueError(f"{name}: {text[:80]!r} is not a valid port; write 8080, 53/udp or 9000-9010")
        ports += [f"{port}/{match[3] or 'tcp'}" for port in range(first, last + 1)]
    return tuple(ports)


def to_additions(name: str, value: object) -> tuple[tuple[Path, str], ...]:
    """Return pairs of a path on this machine and one in the image: pairs, or strings `SRC:DST`.

    >>> to_additions("add", "app:/srv/app")
    ((PosixPath('app'), '/srv/app'),)
    """
    if value is None:
        return ()
    if isinstance(value, Mapping):
        value = value.items()
    if isinstance(value, str) or not isinstance(value, Iterable):
        value = [value]
    additions = []
    for item in value:
        source, target = _addition(name, item)
        if not target.startswith("/"):
            raise ValueError(f"{name}: the place in the image must be an absolute path, not {target[:200]!r}")
        if ".." in target.split("/"):
            raise ValueError(f"{name}: the place in the image may not hold '..': {target[:200]!r}")
        additions.append((source, target))
    return tuple(additions)


def _addition(name: str, item: object) -> tuple[Path, str]:
    if isinstance(item, str):
        source, colon, target = item.rpartition(":")
        if not colon or not source:
            raise ValueError(f"{name}: expected SRC:DST, got {item[:200]!r}")
        return Path(source), target
    if isinstance(item, tuple | list) and len(item) == 2:
        path, place = to_path(name, item[0]), to_text(name, item[1])
        if path is not None and place is not None:
            return path, place
    raise _wrong_type(name, "pairs of a path on this machine and one in the image", item)


def _wrong_type(name: str, expected: str, value: object, what: str = "got") -> TypeError:
    return TypeError(f"{name} must be {expected}; {what} {type(value).__name__}: {str(value)[:80]!r}")
