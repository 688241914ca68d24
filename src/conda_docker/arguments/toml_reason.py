"""What is wrong with a TOML file, in words that name the key."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tomli

_KEY = re.compile(r"""\s*((?:[\w.\- ]|"[^"]*"|'[^']*')+?)\s*=""")
_HEADER = re.compile(r"\s*(\[[^\]]+\]+)")
_TWICE = re.compile(r"Cannot declare \((.*?),?\) twice")


def toml_reason(error: tomli.TOMLDecodeError) -> str:
    """Return why a file is not valid TOML.

    >>> import tomli
    >>> try:
    ...     tomli.loads("base = 'scratch'\\nbase = 'debian'")
    ... except tomli.TOMLDecodeError as error:
    ...     toml_reason(error)
    'base is there twice (line 2)'
    """
    declared = _TWICE.fullmatch(error.msg)
    if declared is not None:
        name = ".".join(part.strip().strip("'\"") for part in declared[1].split(","))
        return f"[{name}] is there twice (line {error.lineno})"
    if error.msg == "Cannot overwrite a value":
        # The position is where the value ends, which may be some lines below its key.
        lines = error.doc.splitlines()[: error.lineno]
        for number, line in zip(range(len(lines), 0, -1), reversed(lines), strict=True):
            found = _KEY.match(line) or _HEADER.match(line)
            if found is not None:
                return f"{found[1]} is there twice (line {number})"
    return str(error)
