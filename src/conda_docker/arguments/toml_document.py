"""TOML documents: what is in them, and what is wrong with them, in words that name the key."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from conda_docker.errors import InvalidEnvironment
from python_docker.errors import reason_of

if TYPE_CHECKING:
    import tomli

_PART = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
KEY_AT_START = re.compile(rf"\s*({_PART}(?:\s*\.\s*{_PART})*)\s*=")
"""The key, perhaps of several parts, that a line of TOML begins with. Most lines of a text are none, whatever they
repeat, which takes no time.
"""
_HEADER = re.compile(r"\s*(\[[^\]]+\]+)")
_TWICE = re.compile(r"Cannot declare \((.*?),?\) twice")


def toml_document(text: str, name: str) -> dict[str, Any]:
    """Return what is in a TOML document. TOML 1.1, as pixi's manifests are: inline tables may go over several lines.

    Raises `InvalidEnvironment`, which begins with `name`, for what is not TOML.

    >>> toml_document("base = 'scratch'", "pixi.toml")
    {'base': 'scratch'}
    >>> toml_document("base = 'scratch'\\nbase = 'debian'", "pixi.toml")
    Traceback (most recent call last):
    conda_docker.errors.InvalidEnvironment: pixi.toml is not valid TOML: base is there twice (line 2)
    """
    import tomli

    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        raise InvalidEnvironment(f"{name} is not valid TOML: {_reason(error)}") from error
    except (ValueError, RecursionError) as error:
        raise InvalidEnvironment(f"{name} is not valid TOML: {reason_of(error)}") from error


def _reason(error: tomli.TOMLDecodeError) -> str:
    declared = _TWICE.fullmatch(error.msg)
    if declared is not None:
        name = ".".join(part.strip().strip("'\"") for part in declared[1].split(","))
        return f"[{name}] is there twice (line {error.lineno})"
    if error.msg == "Cannot overwrite a value":
        # The position is where the value ends, which may be some lines below its key.
        lines = error.doc.splitlines()[: error.lineno]
        for number, line in zip(range(len(lines), 0, -1), reversed(lines), strict=True):
            found = KEY_AT_START.match(line) or _HEADER.match(line)
            if found is not None:
                return f"{found[1]} is there twice (line {number})"
    return str(error)
