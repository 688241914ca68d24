"""Fields of records, as channels, installers and solvers write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conda_docker.environment.packages.record_fields import (
    hex_digest_of,
    milliseconds_of,
    noarch_of,
    site_packages_of,
    size_of,
    text_of,
    texts_of,
)


@pytest.mark.parametrize("path", ["/etc/x", "../x", "lib/../../x", "lib/\0"])
def test_modules_that_would_be_outside_of_the_environment(path: str) -> None:
    with pytest.raises(ValueError, match=r"its python_site_packages_path .* is not a path in an environment"):
        site_packages_of({"python_site_packages_path": path})


def test_where_modules_are() -> None:
    assert site_packages_of({"python_site_packages_path": "lib/python3.13t/site-packages"}) == (
        "lib/python3.13t/site-packages"
    )
    assert site_packages_of({"python_site_packages_path": ""}) is None
    assert site_packages_of({}) is None


def test_what_is_not_known_is_none() -> None:
    assert (size_of({}), hex_digest_of({}, "md5", 32), noarch_of(None), noarch_of(False)) == (None,) * 4
    assert (milliseconds_of(None), texts_of({}, "depends")) == (None, ())


def test_values_as_they_are_written() -> None:
    assert text_of({"version": 1.1}, "version") == "1.1"
    assert texts_of({"depends": ("a", "b")}, "depends") == ("a", "b")
    assert hex_digest_of({"md5": "A" * 32}, "md5", 32) == "a" * 32
    assert (noarch_of(True), noarch_of("python")) == ("generic", "python")
    assert size_of({"size": 0}) == 0


@pytest.mark.parametrize(
    ("timestamp", "milliseconds"),
    [
        (1_700_000_000_000, 1_700_000_000_000),
        (1_700_000_000, 1_700_000_000_000),
        (1_700_000_000.5, 1_700_000_000_500),
        (-1, None),
        (10**18, None),
    ],
)
def test_times_are_seconds_or_milliseconds(timestamp: float, milliseconds: int | None) -> None:
    assert milliseconds_of(timestamp) == milliseconds


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda: text_of({"name": True}, "name"), "its name is bool, not a string"),
        (lambda: text_of({"name": ["a"]}, "name"), "its name is list"),
        (lambda: texts_of({"depends": "python"}, "depends"), "its depends is not a list of strings"),
        (lambda: texts_of({"depends": [1]}, "depends"), "its depends is not a list"),
        (lambda: size_of({"size": -1}), "its size is not a number of bytes"),
        (lambda: size_of({"size": "1"}), "its size is not"),
        (lambda: size_of({"size": True}), "its size is not"),
        (lambda: hex_digest_of({"md5": "g" * 32}, "md5", 32), "its md5 is not 32 hexadecimal digits"),
        (lambda: hex_digest_of({"sha256": 1}, "sha256", 64), "its sha256 is not 64"),
        (lambda: noarch_of("perl"), "noarch is 'perl', neither"),
        (lambda: milliseconds_of("now"), "its timestamp is not a number"),
    ],
)
def test_what_a_field_cannot_be(read: Callable[[], Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        read()
