"""Challenges: what a `WWW-Authenticate` header asks for (RFC 9110, section 11)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_TOKEN68 = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
_SPACE = re.compile(r"[ \t]*")
_SEPARATORS = re.compile(r"[ \t,]*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_EQUALS = re.compile(r"[ \t]*=[ \t]*")
_MAX_HEADER = 16 << 10


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to log in: a scheme (`bearer`, `basic`, ...; lower case) and its parameters (names in lower case)."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def parse_challenges(headers: Iterable[str]) -> list[Challenge]:
    """Return the challenges of all `WWW-Authenticate` headers of an answer, in their order.

    A header may hold several, and values may hold commas. What is malformed ends its header: what came before counts.

    >>> parse_challenges(['Bearer realm="https://auth.example.org/token",scope="repository:a/b:pull,push"'])[0].scheme
    'bearer'
    """
    return [challenge for header in headers for challenge in _parse_header(header[:_MAX_HEADER])]


def _parse_header(text: str) -> list[Challenge]:
    challenges: list[Challenge] = []
    position = _end(_SEPARATORS, text, 0)
    while position < len(text):
        scheme = _TOKEN.match(text, position)
        if scheme is None:
            break
        parameters: dict[str, str] = {}
        challenges.append(Challenge(scheme[0].lower(), parameters))
        position = scheme.end()
        if text[position : position + 1] not in {"", " ", "\t", ","}:
            # Neither the end, nor a space before parameters, nor a comma before the next challenge.
            challenges.pop()
            break
        after_space = _end(_SPACE, text, position)
        credentials = _TOKEN68.match(text, after_space)
        if credentials is not None and text[_end(_SPACE, text, credentials.end()) :][:1] in {"", ","}:
            # One value instead of parameters, as in `Negotiate abc==`; or the next scheme after a lone one: the
            # comma distinguishes them.
            position = _end(_SEPARATORS, text, credentials.end())
            continue
        position, going_on = _parse_parameters(text, _end(_SEPARATORS, text, position), parameters)
        if not going_on:
            break
    return challenges


def _parse_parameters(text: str, position: int, parameters: dict[str, str]) -> tuple[int, bool]:
    """Read `name=value, ...` until the next scheme or the end; return whether it makes sense to read on."""
    while position < len(text):
        name = _TOKEN.match(text, position)
        equals = _EQUALS.match(text, name.end()) if name else None
        if name is None or equals is None:
            # The name of the next scheme.
            return position, name is not None
        quoted = _QUOTED.match(text, equals.end())
        value = quoted or _TOKEN.match(text, equals.end())
        if value is None:
            return position, False
        plain = re.sub(r"\\(.)", r"\1", quoted[1], flags=re.DOTALL) if quoted else value[0]
        # RFC 9110, section 11.2: a name occurs once; the first counts.
        parameters.setdefault(name[0].lower(), plain)
        position = _end(_SPACE, text, value.end())
        if text[position : position + 1] not in {"", ","}:
            return position, False
        position = _end(_SEPARATORS, text, position)
    return position, True


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position
