"""Selectors say on which platforms something is wanted."""

from __future__ import annotations

import pytest

from conda_docker.environment.inputs.specs.selectors import comment_selector, key_selector, selects


@pytest.mark.parametrize(
    ("expression", "linux_64", "linux_aarch64"),
    [
        ("linux", True, True),
        ("unix", True, True),
        ("linux64", True, False),
        ("x86_64", True, False),
        ("x86", True, False),
        ("aarch64", False, True),
        ("win", False, False),
        ("osx64", False, False),
        ("not win", True, True),
        ("not not linux", True, True),
        ("linux and x86_64", True, False),
        ("win or aarch64", False, True),
        ("linux and not (aarch64 or ppc64le)", True, False),
    ],
)
def test_platforms(expression: str, linux_64: bool, linux_aarch64: bool) -> None:
    assert (selects(expression, "linux-64"), selects(expression, "linux-aarch64")) == (linux_64, linux_aarch64)


@pytest.mark.parametrize(
    "expression", ["", "see issue 12", "py>=38", "linux and", "and linux", "(linux", "linux)", "linux win", "note"]
)
def test_what_is_not_a_selector(expression: str) -> None:
    assert selects(expression, "linux-64") is None


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("- a  # [win]", "win"),
        ("- a  # only there [ win ] of course", "win"),
        ("- a[build=x]", None),
        ("- a[build=x]  # [linux]", "linux"),
        ("- git+https://host/x#[win]", None),
        ("- a # one [win] two [osx]", None),
        ("- a", None),
    ],
)
def test_comments(line: str, found: str | None) -> None:
    assert comment_selector(line) == found


def test_a_long_line_takes_no_time() -> None:
    assert comment_selector("- a " + " #" * 200_000) is None


def test_keys() -> None:
    assert (key_selector("sel(linux)"), key_selector("pip")) == ("linux", None)
