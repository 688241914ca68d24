"""What was meant by a match spec that cannot be read: operators of other tools, quotes, an operator turned round."""

from __future__ import annotations

import re
from collections.abc import Callable

_VERSION = r"(\d+(?:\.\d+)*)"


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
    name, bracket, fields = spec.partition("[")
    fixed = name.strip()
    for slip, right in _SLIPS:
        fixed = re.sub(slip, right, fixed)
    return f"{fixed}{bracket}{fields}" if fixed and fixed != name.strip() else None
