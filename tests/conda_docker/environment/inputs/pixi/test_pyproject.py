"""What pixi takes from the standard tables of a project."""

from __future__ import annotations

import pytest

from conda_docker.environment.inputs.pixi.pyproject import Group, dependency_groups, python_requirement
from conda_docker.environment.inputs.pixi.toml_table import Table, parse_toml
from conda_docker.errors import InvalidEnvironment


def project(text: str) -> Table:
    return parse_toml(f'[project]\nname = "My.Project"\n{text}', "pyproject.toml")


def test_the_projects_own_requirements_are_the_default() -> None:
    assert dependency_groups(project('dependencies = ["six"]')) == {"default": Group(("six",))}


def test_optional_requirements_name_others_by_the_projects_extras() -> None:
    document = project('[project.optional-dependencies]\na = ["x"]\nall = ["my-project[a]", "y"]')
    assert dependency_groups(document)["all"] == Group(("x", "y"))


def test_groups_include_one_another_however_they_are_spelled() -> None:
    document = project('[dependency-groups]\nTest_Group = ["t"]\ndev = [{ include-group = "test-group" }, "d"]')
    assert dependency_groups(document)["dev"] == Group(("t", "d"))


def test_a_group_and_optional_requirements_of_one_name_are_put_together() -> None:
    document = project('[project.optional-dependencies]\na = ["x"]\n[dependency-groups]\na = ["y"]')
    assert dependency_groups(document)["a"] == Group(("x", "y"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[dependency-groups]\na = [{ include-group = "b" }]\nb = [{ include-group = "a" }]', "includes itself"),
        ('[dependency-groups]\na = [{ include-group = "c" }]', "has no 'c', which another entry includes"),
        ("[dependency-groups]\na = [1]", "should hold requirements and `include-group`"),
        ('[project.optional-dependencies]\na = ["my-project[a]"]', "includes itself"),
    ],
)
def test_groups_that_cannot_be(text: str, words: str) -> None:
    with pytest.raises(InvalidEnvironment, match=words):
        dependency_groups(project(text))


@pytest.mark.parametrize(
    ("wanted", "spec"), [("", "python"), (">= 3.11, <4", "python >=3.11,<4"), ("==3.12.*", "python 3.12.*")]
)
def test_the_python_that_the_project_requires(wanted: str, spec: str) -> None:
    assert python_requirement(project(f'requires-python = "{wanted}"')) == spec
