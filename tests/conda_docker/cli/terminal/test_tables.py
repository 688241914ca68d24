"""Tables, and numbers with their nouns."""

from __future__ import annotations

from conda_docker.cli.terminal.tables import count, format_table


def test_a_table_has_aligned_columns_and_no_trailing_blanks() -> None:
    assert format_table([("a", "b"), ("longer",), ("x", "y\nz")]) == "a       b\nlonger\nx       y z"


def test_an_empty_table_is_empty() -> None:
    assert format_table([]) == ""


def test_nouns_agree_with_numbers() -> None:
    assert [count(number, "layer") for number in (0, 1, 2)] == ["0 layers", "1 layer", "2 layers"]
