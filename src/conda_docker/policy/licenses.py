"""Whether a license is denied: expressions of SPDX are understood, other words are matched as they are."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from conda_docker.arguments.spelling import nearest
from conda_docker.errors import InvalidPolicy, MissingExtra

if TYPE_CHECKING:
    from license_expression import Licensing

NONE = "none"
"""The pattern for packages that state no license."""


def check_patterns(patterns: Sequence[str]) -> None:
    """Raise `InvalidPolicy` for patterns that are meant to deny licenses and would match none of them.

    Raises `MissingExtra` without the library that knows licenses.

    >>> check_patterns(["AGPL-*", "MIT", "none", "Our Own License"])
    >>> check_patterns(["AGPL"])
    Traceback (most recent call last):
    conda_docker.errors.InvalidPolicy: 'AGPL' matches none of the licenses of that family: write 'AGPL*'
    """
    from conda_docker.sbom.licenses import licensing

    if find_spec("license_expression") is None:
        raise MissingExtra(
            "--deny-license needs a library that is not installed (license_expression): install it with "
            "`pip install 'conda-docker[sbom]'`"
        )
    known = {name.lower(): name for name in licensing().known_symbols}
    for pattern in patterns:
        lower = pattern.strip().lower()
        if any(char in lower for char in "*?["):
            continue
        if {"or", "and"} & set(lower.split()) and all(word in {*known, "or", "and"} for word in lower.split()):
            raise InvalidPolicy(f"{pattern!r} names several licenses: give each of them alone")
        family = lower not in known and any(name.startswith(f"{lower}-") for name in known)
        if family or f"{lower}-only" in known:
            raise InvalidPolicy(f"{pattern!r} matches none of the licenses of that family: write '{pattern}*'")
        one_word = len(lower.split()) == 1 and lower != NONE and not lower.startswith("licenseref-")
        if one_word and lower not in known:
            near = nearest(lower, known)
            hint = f"did you mean {known[near]}? Otherwise " if near else ""
            raise InvalidPolicy(
                f"{pattern!r} is not on SPDX's list of licenses; {hint}"
                f"words of packages' own need a wildcard, such as '{pattern}*'"
            )


def denial(stated: str | None, patterns: Sequence[str]) -> str | None:
    """Return the pattern that denies a license; None for one that is allowed.

    Of `A OR B` whichever is allowed may be chosen, `A AND B` needs both; `A WITH exception` is one license, which
    `A*` matches and `A` does not.

    >>> denial("MIT OR GPL-3.0-only", ["GPL-*"]) is None, denial("MIT AND GPL-3.0-only", ["gpl-*"])
    (True, 'gpl-*')
    >>> denial(None, ["none"]), denial("GPL-3.0-only WITH GCC-exception-3.1", ["GPL-3.0-only"]) is None
    ('none', True)
    """
    if stated is None or not stated.strip():
        return next((pattern for pattern in patterns if pattern.lower() == NONE), None)
    from license_expression import ExpressionError, ExpressionParseError

    from conda_docker.sbom.licenses import licensing

    try:
        parsed = licensing().parse(stated, validate=False, strict=False)
    except (ExpressionError, ExpressionParseError, AttributeError):
        parsed = None
    return _matching(stated, patterns) if parsed is None else _denied(parsed, licensing(), patterns)


def _denied(expression: Any, known: Licensing, patterns: Sequence[str]) -> str | None:
    """Return the pattern that denies an expression."""
    if isinstance(expression, known.AND):
        return next(filter(None, (_denied(part, known, patterns) for part in expression.args)), None)
    if isinstance(expression, known.OR):
        denials = [_denied(part, known, patterns) for part in expression.args]
        return denials[0] if all(denials) else None
    return _matching(expression.render(), patterns)


def _matching(text: str, patterns: Sequence[str]) -> str | None:
    lower = text.strip().lower()
    return next((pattern for pattern in patterns if fnmatchcase(lower, pattern.lower())), None)
