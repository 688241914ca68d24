"""The rule by which a command goes to a shell or not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_docker.docker.process import Process


@pytest.mark.parametrize("command", ["cat /this/is/a/test1", ["cat /this/is/a/test1"], ("cat /this/is/a/test1",)])
def test_one_text_with_spaces_is_a_line_for_the_shell(command: str | list[str]) -> None:
    assert Process.of(command) == Process(("-c", "cat /this/is/a/test1"), "/bin/sh")


def test_a_text_without_spaces_is_one_too() -> None:
    assert Process.of("id") == Process(("-c", "id"), "/bin/sh")


@pytest.mark.parametrize("command", [["id"], ["echo", "a b"], ["cat", "/this/is/a/test1"], ["/bin/sh", "-c", "a b"]])
def test_any_other_list_is_arguments(command: list[str]) -> None:
    assert Process.of(command) == Process(tuple(command), None)


@pytest.mark.parametrize("command", [None, [], "", ()])
def test_nothing_is_what_the_image_runs(command: list[str] | str | None) -> None:
    assert Process.of(command) == Process((), None)


@given(st.lists(st.text(), min_size=2))
def test_two_or_more_elements_stay_as_they_are(command: list[str]) -> None:
    assert Process.of(command) == Process(tuple(command), None)
