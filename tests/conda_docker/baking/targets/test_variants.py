"""Matrices, and templates of names."""

from __future__ import annotations

import pytest

from conda_docker.baking.targets.variants import Variant, read_matrix


def test_all_combinations() -> None:
    found = read_matrix(["base=debian:12,scratch", "python=3.11,3.12", "platform=linux/amd64"])
    assert [variant.tag for variant in found] == [
        "py3.11-amd64-debian-12",
        "py3.11-amd64-scratch",
        "py3.12-amd64-debian-12",
        "py3.12-amd64-scratch",
    ]


def test_no_matrix_changes_nothing() -> None:
    [variant] = read_matrix([])
    assert (variant, variant.name("a"), variant.fill("{name}:{tag}", "a")) == (Variant(), "a", "a:latest")


@pytest.mark.parametrize("texts", [["cuda=1"], ["python"], ["python="], ["python=3", "python=4"], ["=3"]])
def test_what_is_not_a_matrix(texts: list[str]) -> None:
    with pytest.raises(ValueError, match=r"expected KEY=VALUE|has no values|is given twice"):
        read_matrix(texts)


@pytest.mark.parametrize("template", ["{nmae}", "{}", "{name.x}", "{python}"])
def test_placeholders_that_there_are_not(template: str) -> None:
    with pytest.raises(ValueError, match=r"names may have|needs a matrix"):
        Variant().fill(template, "a")
