"""Selectors: what an environment file asks for on some platforms only.

conda-lock reads them from comments, as conda-build has them (`- pywin32  # [win]`), mamba from keys
(`- sel(unix): ncurses`). conda knows neither and takes every line; a comment that is not a selector is only a comment.
"""

from __future__ import annotations

import re

_COMMENT = re.compile(r"\s#[^\[\]#]*\[([^\[\]]+)\][^\[\]]*$")
_KEY = re.compile(r"sel\((.*)\)")
_TOKEN = re.compile(r"\s*([A-Za-z_0-9]+|[()])\s*")
# Words of conda-build for each subdir (conda_build/metadata.py, ns_cfg).
_SYSTEMS = {
    "linux": {"linux", "unix"},
    "osx": {"osx", "unix"},
    "win": {"win"},
    "emscripten": {"emscripten", "unix"},
    "wasi": {"wasi"},
}
_MACHINES = {
    "64": {"x86", "x86_64"},
    "32": {"x86"},
    "aarch64": {"aarch64"},
    "arm64": {"arm64"},
    "armv6l": {"armv6l"},
    "armv7l": {"armv7l"},
    "ppc64": {"ppc64"},
    "ppc64le": {"ppc64le"},
    "riscv64": {"riscv64"},
    "s390x": {"s390x"},
    "loongarch64": {"loongarch64"},
}
_KNOWN = frozenset().union(*_SYSTEMS.values(), *_MACHINES.values()) | {
    f"{system}{bits}" for system in ("linux", "osx", "win") for bits in ("32", "64")
}


def comment_selector(line: str) -> str | None:
    """Return the expression in a line's comment, or None where there is none.

    >>> comment_selector("- pywin32  # [win]"), comment_selector("- blas[build=mkl]  # see above")
    ('win', None)
    """
    found = _COMMENT.search(line)
    return found[1].strip() if found else None


def key_selector(key: str) -> str | None:
    """Return the expression of a key `sel(...)`, or None for any other key.

    >>> key_selector("sel(unix)")
    'unix'
    """
    found = _KEY.fullmatch(key.strip())
    return found[1].strip() if found else None


def selects(expression: str, subdir: str) -> bool | None:
    """Return whether a selector is true of `subdir`; None for an expression that is not a selector of platforms.

    >>> selects("linux64", "linux-64"), selects("not win and aarch64", "linux-64"), selects("issue 12", "linux-64")
    (True, False, None)
    """
    tokens = _tokens(expression)
    if tokens is None:
        return None
    try:
        value = _any(tokens, _words(subdir))
    except (IndexError, ValueError):
        return None
    return value if not tokens else None


def _words(subdir: str) -> frozenset[str]:
    system, _, machine = subdir.partition("-")
    bits = {f"{system}{machine}"} if machine in ("32", "64") else set()
    return frozenset(_SYSTEMS.get(system, {system}) | _MACHINES.get(machine, {machine}) | bits)


def _tokens(expression: str) -> list[str] | None:
    """Return the words and parentheses of an expression, the last first; None where it has others than are known."""
    tokens: list[str] = []
    position = 0
    while position < len(expression):
        found = _TOKEN.match(expression, position)
        if found is None or not (found[1] in _KNOWN or found[1] in ("and", "or", "not", "(", ")")):
            return None
        tokens.append(found[1])
        position = found.end()
    return tokens[:100][::-1] or None


def _any(tokens: list[str], words: frozenset[str]) -> bool:
    value = _all(tokens, words)
    while tokens and tokens[-1] == "or":
        tokens.pop()
        value = _all(tokens, words) or value
    return value


def _all(tokens: list[str], words: frozenset[str]) -> bool:
    value = _one(tokens, words)
    while tokens and tokens[-1] == "and":
        tokens.pop()
        value = _one(tokens, words) and value
    return value


def _one(tokens: list[str], words: frozenset[str]) -> bool:
    word = tokens.pop()
    if word == "not":
        return not _one(tokens, words)
    if word == "(":
        value = _any(tokens, words)
        if tokens.pop() != ")":
            raise ValueError("a parenthesis is not closed")
        return value
    if word in ("and", "or", ")"):
        raise ValueError("expected a word, found an operator")
    return word in words


def applicable(lines: tuple[str, ...], number: int, subdir: str) -> bool:
    """Return whether what begins on a line (counted from 0) is wanted for `subdir`, by the selector in its comment."""
    expression = comment_selector(lines[number]) if number < len(lines) else None
    return expression is None or selects(expression, subdir) is not False
