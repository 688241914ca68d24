"""Which licenses are denied: of alternatives one that is allowed is enough, of what is needed none may be denied."""

from __future__ import annotations

import pytest

from conda_docker.errors import InvalidPolicy
from conda_docker.policy.licenses import check_patterns, denial


@pytest.mark.parametrize(
    ("stated", "pattern", "denied"),
    [
        ("AGPL-3.0-only", "AGPL-*", True),
        ("agpl-3.0-only", "AGPL-*", True),
        ("MIT", "AGPL-*", False),
        ("MIT OR AGPL-3.0-only", "AGPL-*", False),
        ("GPL-2.0-only OR GPL-3.0-only", "GPL-*", True),
        ("MIT AND (Apache-2.0 OR GPL-3.0-only)", "GPL-*", False),
        ("MIT AND GPL-3.0-only", "GPL-*", True),
        ("GPL-3.0-only WITH GCC-exception-3.1", "GPL-3.0-only", False),
        ("GPL-3.0-only WITH GCC-exception-3.1", "GPL-3.0-only*", True),
        ("Some Proprietary License", "*proprietary*", True),
        ("LGPL-2.1-or-later", "GPL-*", False),
        ("MIT AND", "MIT*", True),
        ("", "none", True),
        (None, "None", True),
        (None, "*", False),
        ("MIT", "none", False),
    ],
)
def test_denial(stated: str | None, pattern: str, denied: bool) -> None:
    assert denial(stated, [pattern]) == (pattern if denied else None)


def test_the_first_pattern_that_denies_is_named() -> None:
    assert denial("GPL-3.0-only", ["MIT", "GPL-3*", "GPL-*"]) == "GPL-3*"


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("AGPL", r"matches none of the licenses of that family: write 'AGPL\*'"),
        ("gpl-3.0", r"write 'gpl-3\.0\*'"),
        ("BSD", r"write 'BSD\*'"),
        ("MIT OR GPL-3.0-only", "names several licenses"),
        ("BDS-3-Clause", r"is not on SPDX's list of licenses; did you mean BSD-3-Clause\?"),
        ("Proprietary", r"own need a wildcard, such as 'Proprietary\*'"),
    ],
)
def test_a_pattern_that_would_deny_nothing(pattern: str, message: str) -> None:
    """What is misspelt would otherwise allow everything."""
    with pytest.raises(InvalidPolicy, match=message):
        check_patterns([pattern])


@pytest.mark.parametrize(
    "pattern", ["AGPL-*", "MIT", "none", "BSD-3-Clause", "gpl-3.0-only", "Our Own and Only License"]
)
def test_patterns_that_can_be_meant(pattern: str) -> None:
    check_patterns([pattern])
