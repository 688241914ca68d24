"""Licenses as packages state them: expressions of SPDX where they are such, else their own words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from license_expression import Licensing


@dataclass(frozen=True, slots=True)
class License:
    """What a package states. `expression` is its normal form in SPDX's words, None where it is not one."""

    stated: str
    expression: str | None


def read_license(stated: str) -> License:
    """Return the license that a record or a wheel states.

    >>> read_license("mit or Apache-2.0").expression
    'MIT OR Apache-2.0'
    >>> read_license("see the file LICENSE").expression is None
    True
    """
    from license_expression import ExpressionError, ExpressionParseError

    try:
        parsed = licensing().parse(stated, validate=True, strict=True)
    except (ExpressionError, ExpressionParseError):
        parsed = None
    except AttributeError:
        # How license-expression 30.4 fails on an expression that ends early, such as "MIT AND".
        parsed = None
    rendered = None if parsed is None else parsed.render()
    # Names that are not on SPDX's list mean nothing without the text that they stand for.
    return License(stated, None if rendered is None or "LicenseRef-" in rendered else rendered)


@cache
def licensing() -> Licensing:
    """Return the licenses of the SPDX list, which takes a tenth of a second to load."""
    from license_expression import get_spdx_licensing

    return get_spdx_licensing()
