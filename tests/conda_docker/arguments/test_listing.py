"""Lists in messages name the first, and count the others."""

from __future__ import annotations

import pytest

from conda_docker.arguments.listing import first_of


@pytest.mark.parametrize(
    ("names", "shown"),
    [([], ""), (["a"], "a"), (["a", "b"], "a, b"), (["a", "b", "c"], "a, b and 1 more")],
)
def test_the_first_are_named_and_the_others_counted(names: list[str], shown: str) -> None:
    assert first_of(names, 2) == shown
