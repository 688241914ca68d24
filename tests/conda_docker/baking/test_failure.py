"""Errors as values."""

from __future__ import annotations

import pickle

import pytest

from conda_docker.baking.failure import Failure
from conda_docker.errors import InvalidEnvironment, InvalidSpec, Unsolvable
from python_docker.errors import Error


def test_an_error_with_its_cause_is_the_same_on_the_other_side() -> None:
    error = InvalidSpec("not a spec", "a b c d")
    error.__cause__ = Unsolvable("no such package")
    found = pickle.loads(pickle.dumps(Failure.of(error))).error()
    assert isinstance(found, InvalidEnvironment)
    assert str(found) == "not a spec"
    assert isinstance(found.__cause__, Unsolvable)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyError("x"), "unexpected KeyError: 'x'"),
        (
            MemoryError(),
            "out of memory: fewer at once take less (--jobs, --memory), unless a limit is too low (ulimit -v)",
        ),
        (FileNotFoundError(2, "No such file", "a.yml"), "a.yml: No such file"),
    ],
)
def test_other_errors_become_ones_of_this_project(error: Exception, said: str) -> None:
    found = Failure.of(error).error()
    assert type(found) is Error
    assert str(found) == said


def test_classes_of_other_projects_are_not_looked_up() -> None:
    assert type(Failure((("os", "system", "said"),)).error()) is Error
