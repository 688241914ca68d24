"""Specs of other tools and slips of the pen are understood well enough to say what was meant."""

from __future__ import annotations

import re

import pytest
from rattler import MatchSpec

from conda_docker.environment.solve.slips import meant, suggestion, wrong_build


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


@pytest.mark.parametrize(
    "spec",
    ["numpy", "numpy >=1.20,<2", "~=", ";", "numpy[version='>=1']", "numpy ^" + "1" * 5000, "a" + "=" * 400_000 + "b"],
)
def test_what_nobody_knows(spec: str) -> None:
    assert meant(spec) is None


@pytest.mark.parametrize(("spec", "words"), [("numpy >=1", "; did you mean 'numpy >=1'?"), ("\x1b", ""), ("a[", "")])
def test_only_specs_are_suggested(spec: str, words: str) -> None:
    assert suggestion(spec) == words


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("numpy>2<3", "a comma is missing .*; did you mean 'numpy>2,<3'"),
        ("numpy > 2 < 3", "a comma is missing .*; did you mean 'numpy > 2,< 3'"),
        ("numpy >2 <3=py311_0", "a comma is missing .*; did you mean 'numpy >2,<3=py311_0'"),
        ("numpy 1.26 !=1.26.1", "a comma is missing .*; did you mean 'numpy 1.26,!=1.26.1'"),
        ("numpy>2<3<4", "a comma is missing between the constraints of the version$"),
        ("numpy[build='<3']", "'<3' is a version, not a build string"),
        ("numpy ~=2 foo bar", "a name, a version and a build were expected, but 'foo bar' follows the version"),
    ],
)
def test_what_no_build_string_can_be(spec: str, reason: str) -> None:
    assert re.match(reason, str(wrong_build(MatchSpec(spec, strict=False).build, spec)))


@pytest.mark.parametrize(
    "spec", ["numpy", "numpy 1.26 py*", "numpy=1.26=h_0", "numpy[build='^py 2$']", "numpy * *_cpu"]
)
def test_build_strings(spec: str) -> None:
    assert wrong_build(MatchSpec(spec, strict=False).build, spec) is None
