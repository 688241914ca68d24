"""Fields of a package's record, as channels, installers and solvers write them.

Each function raises `KeyError` for a field that is needed and missing, `TypeError` or `ValueError` for a value that the
field cannot have; the text says which.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from python_docker.spec.timestamps import LAST_SECOND


def text_of(fields: Mapping[str, Any], key: str) -> str:
    """Return a string; a number is one that YAML or JSON did not have in quotes."""
    value = fields[key]
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise TypeError(f"its {key} is {type(value).__name__}, not a string")
    return str(value)


def texts_of(fields: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Return a list of strings, empty where there is none."""
    value = fields.get(key, ())
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise TypeError(f"its {key} is not a list of strings")
    return tuple(value)


def size_of(fields: Mapping[str, Any]) -> int | None:
    """Return the size of the archive in bytes, None where it is not known."""
    size = fields.get("size")
    if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 0):
        raise ValueError("its size is not a number of bytes")
    return size


def hex_digest_of(fields: Mapping[str, Any], key: str, length: int) -> str | None:
    """Return a digest of `length` hexadecimal digits in lower case, None where there is none."""
    digest = fields.get(key)
    if digest is None:
        return None
    if not isinstance(digest, str) or not re.fullmatch(f"[0-9a-fA-F]{{{length}}}", digest):
        raise ValueError(f"its {key} is not {length} hexadecimal digits")
    return digest.lower()


def site_packages_of(fields: Mapping[str, Any]) -> str | None:
    """Return where the modules of a Python are, a path in the prefix (CEP 17), None where the record does not say."""
    path = text_of(fields, "python_site_packages_path") if "python_site_packages_path" in fields else ""
    if path.startswith("/") or ".." in path.split("/") or "\0" in path:
        raise ValueError(f"its python_site_packages_path {path[:80]!r} is not a path in an environment")
    return path or None


def noarch_of(value: object) -> str | None:
    """Return the kind of a package without a platform: "python" or "generic", None for any other package."""
    if value in (None, False):
        return None
    if value is True:  # before there were kinds
        return "generic"
    if value in ("python", "generic"):
        return str(value)
    raise ValueError(f"noarch is {str(value)[:80]!r}, neither 'python' nor 'generic'")


def milliseconds_of(value: object) -> int | None:
    """Return a timestamp in milliseconds since 1970, None where it is not known."""
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError("its timestamp is not a number")
    # A number before 1970 or after 9999 is not a time: it counts as unknown.
    if not 0 <= int(value) <= LAST_SECOND * 1000:
        return None
    # Older indexes count seconds; conda and rattler take what would be a date after the year 9999 for milliseconds.
    return int(value if value > LAST_SECOND else value * 1000)
