"""What a declaration with matrices comes to."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from conda_docker.baking.targets.variants import Variant
from conda_docker.cli.declared.builds import declared_builds
from conda_docker.cli.declared.find import Declaration
from conda_docker.errors import InvalidEnvironment


def declaration(text: str) -> Declaration:
    return Declaration(Path("/app/conda-docker.toml"), tomllib.loads(text))


def names(text: str, *wanted: str) -> list[str]:
    return [build.full_name for build in declared_builds(declaration(text), wanted)]


MATRIX = "matrix = {python = ['3.11', '3.12']}\n[images.a]\n[images.b]\nmatrix = {base = 'scratch'}\n"


def test_a_matrix_of_all_and_of_one() -> None:
    assert names(MATRIX) == ["a-py3.11", "a-py3.12", "b-scratch"]
    assert names("matrix.python = ['3.11', '3.12']") == ["app-py3.11", "app-py3.12"]


def test_an_image_or_one_of_its_variants_is_wanted() -> None:
    assert names(MATRIX, "a") == ["a-py3.11", "a-py3.12"]
    assert names(MATRIX, "b", "a-py3.12") == ["a-py3.12", "b-scratch"]


def test_a_matrix_of_the_command_line_takes_its_place() -> None:
    found = declared_builds(declaration(MATRIX), matrix=[Variant(python="3.13")])
    assert [build.full_name for build in found] == ["a-py3.13", "b-py3.13"]


def test_names_of_images_need_not_be_such_as_references_take() -> None:
    assert names("[images.GPU_tools]\n[images.b]", "GPU_tools") == ["gpu-tools"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("matrix = 3", "matrix must be a table, such as"),
        ("matrix.pyhton = ['3.11']", r"no 'pyhton'; did you mean 'python'\?"),
        ("matrix.python = [3.10]", r'must be a list of strings \(a version is a string, as in "3.10"\)'),
        ("matrix.base = []", "base has no values"),
        ("[images.a]\nmatrix.base = {}", "matrix.base must be a list of strings"),
    ],
)
def test_what_is_no_matrix(text: str, said: str) -> None:
    with pytest.raises(InvalidEnvironment, match=said):
        declared_builds(declaration(text))


def test_a_variant_that_there_is_not() -> None:
    with pytest.raises(InvalidEnvironment, match=r"declares no image 'a-py3.13' .*did you mean 'a-py3.1[12]'"):
        names(MATRIX, "a-py3.13")
