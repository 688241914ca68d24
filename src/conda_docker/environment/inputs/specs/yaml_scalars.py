"""What conda makes of plain scalars in YAML: it reads YAML 1.2, where `0755`, `1e3` and `true` are not strings."""

from __future__ import annotations

import re

_NULL = re.compile(r"(?:~|null|Null|NULL|)")
_TRUTH = re.compile(r"(?i:true|false)")
_INTEGER = re.compile(r"(?!_)[-+]?(?:0b[01_]+|0o?[0-7_]+|[0-9_]+|0x[0-9a-fA-F_]+)")
_FLOAT = re.compile(
    r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[0-9][0-9_]*[eE][-+]?[0-9]+|\.[0-9_]+(?:[eE][-+][0-9]+)?)"
)
_SPECIAL_FLOAT = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_BASES = {"0b": 2, "0o": 8, "0x": 16}
_LONGEST = 300


def text_of_plain(text: str) -> str:
    """Return the string that conda makes of a plain scalar's value: of a number its decimal form, of null nothing.

    >>> [text_of_plain(text) for text in ("0755", "1e3", "true", "0x1F", "~", "yes", "2026-01-31", "1.10")]
    ['755', '1000.0', 'True', '31', '', 'yes', '2026-01-31', '1.1']
    """
    if _NULL.fullmatch(text):
        return ""
    if _is_truth(text):
        return text.title()
    if len(text) > _LONGEST or not any(character.isdigit() for character in text):
        return str(float(text.replace(".", ""))) if _SPECIAL_FLOAT.fullmatch(text) else text
    digits = text.replace("_", "")
    if _INTEGER.fullmatch(text) and digits.lstrip("+-"):
        return str(_integer(digits))
    if _FLOAT.fullmatch(text):
        return str(float(digits))
    return text


def is_string(text: str) -> bool:
    """Return whether YAML reads a plain scalar as a string.

    >>> is_string("numpy"), is_string("1.5"), is_string("null")
    (True, False, False)
    """
    others = (_NULL, _INTEGER, _FLOAT, _SPECIAL_FLOAT)
    return not _is_truth(text) and not any(pattern.fullmatch(text) for pattern in others)


def _is_truth(text: str) -> bool:
    return bool(_TRUTH.fullmatch(text)) and text in (text.lower(), text.upper(), text.title())


def _integer(digits: str) -> int:
    sign = -1 if digits.startswith("-") else 1
    magnitude = digits.lstrip("+-")
    base = _BASES.get(magnitude[:2], 10)
    return sign * int(magnitude[2:] if base != 10 else magnitude, base)


def value_of_plain(written: str) -> tuple[str, str | None]:
    """Return the string that a scalar without quotes becomes, and how it differs from what is written, None if not.

    >>> value_of_plain("true")
    ('True', "is 'True', since 'true' is not a string in YAML")
    """
    text = text_of_plain(written)
    if text == written and written:
        return text, None
    if text:
        return text, f"is {text!r}, since {written!r} is not a string in YAML"
    return text, f"is empty, since `{written}` is not a value" if written else "is empty"
