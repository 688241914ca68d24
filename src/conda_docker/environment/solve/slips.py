"""What was meant by a match spec that cannot be read: operators of other tools, quotes, an operator turned round."""

from __future__ import annotations

import re
from collections.abc import Callable

from conda_docker.redaction import public_text

_COMPARISON = re.compile(r"\s*[<>=!~]=?\s*\d")
_VERSION = r"(\d+(?:\.\d+)*)"
_LONGEST = 200
"""Characters; no slip of the pen is longer, and what is need not be understood."""


def _up_to(compatible: Callable[[list[int]], int]) -> Callable[[re.Match[str]], str]:
    """Return what replaces a version by a range, whose end has the part counted up that `compatible` gives."""

    def replacement(match: re.Match[str]) -> str:
        parts = [int(part) for part in match[1].split(".")]
        position = compatible(parts)
        end = [*parts[:position], parts[position] + 1]
        return f">={match[1]},<{'.'.join(map(str, end))}"

    return replacement


_SLIPS: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"\s*;.*", ""),  # a marker of pip
    (r"['\"]", ""),
    (r"=>", ">="),
    (r"=<", "<="),
    (r"===", "=="),
    (r"~>\s*", "~="),
    # Poetry, npm and Cargo: `^` keeps the first part that is not 0, `~` the first two.
    (rf"=?\^\s*{_VERSION}", _up_to(lambda parts: next((at for at, part in enumerate(parts) if part), len(parts) - 1))),
    (rf"=?~(?!=)\s*{_VERSION}", _up_to(lambda parts: min(1, len(parts) - 1))),
    (rf"(?:(?<=\s)|=){_VERSION}\+$", r">=\1"),
    (r"^([\w.-]+)@", r"\1="),
    (r"^([\w.-]+)/(?=[\w.-]+)", r"\1::"),
    (r"\s*[=<>!~]+\s*$", ""),
)


def meant(spec: str) -> str | None:
    """Return what a spec may have meant that is not valid, None where nobody knows.

    >>> meant("numpy ^1.20"), meant("numpy=>1.20"), meant("numpy")
    ('numpy >=1.20,<2', 'numpy>=1.20', None)
    """
    if len(spec) > _LONGEST:
        return None
    name, bracket, fields = spec.partition("[")
    fixed = name.strip()
    for slip, right in _SLIPS:
        fixed = re.sub(slip, right, fixed)
    return f"{fixed}{bracket}{fields}" if fixed and fixed != name.strip() else None


def suggestion(spec: str | None) -> str:
    """Return a spec that may have been meant as a question; empty where solvers cannot read that either.

    >>> suggestion("numpy >=2"), suggestion("numpy[")
    ("; did you mean 'numpy >=2'?", '')
    """
    from rattler import MatchSpec
    from rattler.exceptions import InvalidMatchSpecError

    if spec is None or not spec.isprintable():
        return ""
    try:
        read = MatchSpec(spec, strict=False)
    except InvalidMatchSpecError:
        return ""
    return "" if wrong_build(read.build, spec) else f"; did you mean {public_text(spec)[:200]!r}?"


def wrong_build(build: str | None, spec: str) -> str | None:
    """Return what is wrong with a build string, None for one that a package can have.

    A spec is a name, a version and a build: what follows a space, or a version without a comma, is read as the build.

    >>> wrong_build("<3", "numpy >2 <3")
    "a comma is missing between the constraints of the version; did you mean 'numpy >2,<3'?"
    >>> wrong_build("py311*", "numpy 1.* py311*")
    """
    if build is None or build.startswith("^"):
        return None
    if _COMPARISON.match(build):
        head, _, tail = spec.rpartition(build)
        if "[" in head:
            return f"{build.strip()[:80]!r} is a version, not a build string"
        meant = f"{head.rstrip()},{build.lstrip()}{tail}"
        return f"a comma is missing between the constraints of the version{suggestion(meant)}"
    if re.search(r"\s", build):
        return f"a name, a version and a build were expected, but {public_text(build)[:80]!r} follows the version"
    return None
