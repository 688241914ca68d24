"""How to talk HTTP."""

from __future__ import annotations

import pytest

from python_docker.http.options import HttpOptions


def test_nothing_is_tried_less_than_once() -> None:
    with pytest.raises(ValueError, match="attempts must be at least 1, not 0"):
        HttpOptions(attempts=0)


def test_fields_are_replaced_and_checked_anew() -> None:
    options = HttpOptions(read_timeout=5)
    assert options.with_fields(attempts=2) == HttpOptions(read_timeout=5, attempts=2)
    with pytest.raises(ValueError, match="attempts"):
        options.with_fields(attempts=-1)


def test_a_log_shows_nothing_of_them() -> None:
    assert repr(HttpOptions(ca_bundle="/home/someone/secret.pem")) == "HttpOptions(...)"


def test_the_environment_does_not_make_two_differ() -> None:
    assert HttpOptions(environ={"A": "1"}) == HttpOptions(environ={})
