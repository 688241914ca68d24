"""Specs of other tools and slips of the pen are understood well enough to say what was meant."""

from __future__ import annotations

import pytest
from rattler import MatchSpec

from conda_docker.environment.solve.slips import meant


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("numpy=>1.20", "numpy>=1.20"),
        ("numpy =< 2", "numpy <= 2"),
        ("numpy===1.20", "numpy==1.20"),
        ("numpy ~> 1.20", "numpy ~=1.20"),
        ("numpy ^1.20.3", "numpy >=1.20.3,<2"),
        ("numpy=^1.20", "numpy>=1.20,<2"),
        ("numpy ^0.3.1", "numpy >=0.3.1,<0.4"),
        ("numpy ^0.0", "numpy >=0.0,<0.1"),
        ("numpy ~1.2.3", "numpy >=1.2.3,<1.3"),
        ("numpy~1", "numpy>=1,<2"),
        ("numpy 1.20+", "numpy >=1.20"),
        ("numpy=1.20+", "numpy>=1.20"),
        ("numpy@1.20", "numpy=1.20"),
        ("conda-forge/numpy", "conda-forge::numpy"),
        ("numpy=='1.20'", "numpy==1.20"),
        ('"numpy"', "numpy"),
        ("numpy>", "numpy"),
        ("numpy=", "numpy"),
        ("numpy>=1; python_version>'3'", "numpy>=1"),
        ("numpy ^1[build=py*]", "numpy >=1,<2[build=py*]"),
    ],
)
def test_what_was_meant(spec: str, expected: str) -> None:
    assert meant(spec) == expected
    MatchSpec(expected, strict=False)


@pytest.mark.parametrize("spec", ["numpy", "numpy >=1.20,<2", "~=", ";", "numpy[version='>=1']"])
def test_what_nobody_knows(spec: str) -> None:
    assert meant(spec) is None
