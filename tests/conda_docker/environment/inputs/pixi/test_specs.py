"""Entries of a pixi manifest's tables, as conda and pip take them."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.environment.inputs.pixi.specs import indexes, match_spec, pip_requirement
from conda_docker.environment.inputs.pixi.toml_table import Table, parse_toml
from conda_docker.errors import InvalidEnvironment, UnsupportedInput

FOLDER = Path("/project")


def conda(entry: str, inherited: str = "") -> str:
    none: Table = parse_toml(inherited, "pixi.toml")
    return match_spec(parse_toml(f"a = {entry}", "pixi.toml"), "a", FOLDER, none)


def pip(entry: str) -> str:
    return pip_requirement(parse_toml(f"a = {entry}", "pixi.toml"), "a", FOLDER)


@pytest.mark.parametrize(
    ("entry", "spec"),
    [
        ('"*"', "a"),
        ('">=1, <2"', "a >=1,<2"),
        ('{ version = "1.*", build = "py*", channel = "forge" }', "forge::a[version='1.*',build='py*']"),
        ('{ url = "https://x.org/a-1-0.conda?x=1" }', "https://x.org/a-1-0.conda?x=1"),
        ('{ path = "a-1-0.tar.bz2" }', "/project/a-1-0.tar.bz2"),
    ],
)
def test_dependencies_of_conda(entry: str, spec: str) -> None:
    assert conda(entry) == spec


def test_a_dependency_of_the_workspace() -> None:
    assert conda("{ workspace = true }", 'a = ">=3"') == "a >=3"
    with pytest.raises(InvalidEnvironment, match=r"is not among `workspace\.dependencies`"):
        conda("{ workspace = true }")


@pytest.mark.parametrize(
    ("entry", "message"),
    [("1.5", 'a version needs quotes, as in `a = "1.5"`'), ("true", "should be a string or a table"), ("[]", "string")],
)
def test_what_is_neither_a_string_nor_a_table(entry: str, message: str) -> None:
    with pytest.raises(InvalidEnvironment, match=message):
        conda(entry)


@pytest.mark.parametrize("entry", ['{ git = "https://x.org/a" }', '{ path = "src" }', '{ url = "https://x.org/a" }'])
def test_what_is_built_from_source_is_not_supported(entry: str) -> None:
    with pytest.raises(UnsupportedInput, match="is built from source"):
        conda(entry)


def test_a_key_that_is_not_supported_is_named() -> None:
    with pytest.raises(UnsupportedInput, match="has `when`, which is not supported; ask for a without it"):
        conda('{ version = "1", when = "python" }')


@pytest.mark.parametrize(
    ("entry", "requirement"),
    [
        ('"*"', "a"),
        ('{ version = "==1", extras = ["x", "y"], env-markers = "os_name == \'nt\'" }', "a[x,y]==1 ; os_name == 'nt'"),
        ('{ git = "https://x.org/a", tag = "v1", subdirectory = "p" }', "a @ git+https://x.org/a@v1#subdirectory=p"),
        ('{ git = "git+ssh://x.org/a" }', "a @ git+ssh://x.org/a"),
        ('{ path = "src/a", editable = true }', "a @ file:///project/src/a"),
        ('{ url = "https://x.org/a.zip", subdirectory = "p" }', "a @ https://x.org/a.zip#subdirectory=p"),
    ],
)
def test_dependencies_of_pip(entry: str, requirement: str) -> None:
    assert pip(entry) == requirement


def test_a_version_without_an_operator() -> None:
    with pytest.raises(InvalidEnvironment, match=r"should begin with an operator, as in `==1\.5`"):
        pip('"1.5"')


def test_indexes_of_single_packages() -> None:
    table = parse_toml('A_b = { version = "1", index = "https://x" }\nc = "*"\nd = { version = "1" }', "pixi.toml")
    assert indexes(table) == {"a-b": "https://x"}
