"""Hints at the known word that is nearest."""

from __future__ import annotations

import pytest

from conda_docker.arguments.spelling import did_you_mean, nearest


@pytest.mark.parametrize(("word", "near"), [("gzp", "gzip"), ("name", "name"), ("xyz", None)])
def test_the_nearest_word(word: str, near: str | None) -> None:
    assert nearest(word, ["gzip", "name"]) == near


def test_how_like_it_must_be_may_be_said() -> None:
    assert nearest("gp", ["gzip"]) == "gzip"
    assert nearest("gp", ["gzip"], cutoff=0.9) is None


def test_a_hint_is_to_be_put_behind_an_error() -> None:
    assert did_you_mean("gzp", ["gzip"], otherwise="!") == "; did you mean 'gzip'?"
    assert did_you_mean("xyz", ["gzip"], otherwise="!") == "!"
    assert did_you_mean("xyz", ["gzip"]) == ""
