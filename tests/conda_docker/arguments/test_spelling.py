"""Hints at the known word that is nearest."""

from __future__ import annotations

import pytest

from conda_docker.arguments.spelling import did_you_mean, nearest


@pytest.mark.parametrize(("word", "near"), [("chanels", "channels"), ("name", "name"), ("xyz", None)])
def test_the_nearest_word(word: str, near: str | None) -> None:
    assert nearest(word, ["channels", "name"]) == near


def test_how_like_it_must_be_may_be_said() -> None:
    assert nearest("chnls", ["channels"]) == "channels"
    assert nearest("chnls", ["channels"], cutoff=0.9) is None


def test_a_hint_is_to_be_put_behind_an_error() -> None:
    assert did_you_mean("chanels", ["channels"], otherwise="!") == "; did you mean 'channels'?"
    assert did_you_mean("xyz", ["channels"], otherwise="!") == "!"
    assert did_you_mean("xyz", ["channels"]) == ""
