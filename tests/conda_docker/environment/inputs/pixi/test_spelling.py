"""Misspelt keys of a manifest are not passed over in silence."""

from __future__ import annotations

import pytest

from conda_docker.environment.inputs.pixi.manifest import parse_manifest
from conda_docker.environment.inputs.pixi.spelling import misspelt
from conda_docker.errors import InvalidEnvironment
from tests.conda_docker.environment.inputs.examples import FOLDER
from tests.conda_docker.environment.inputs.pixi.workspaces import WORKSPACE, composed, composed_example


@pytest.mark.parametrize("table", ["dependencies", "constraints", "pypi-dependencies"])
def test_a_misspelt_key_of_a_dependency_is_an_error(table: str) -> None:
    text = f'{WORKSPACE}[{table}]\nnumpy = {{ vresion = "99" }}\n'
    where = f"line 6 of pixi.toml: `{table}.numpy` has an unknown key `vresion`; did you mean `version`"
    with pytest.raises(InvalidEnvironment, match=where):
        composed(text)


def test_an_unknown_key_of_a_dependency_is_an_error_too() -> None:
    with pytest.raises(
        InvalidEnvironment, match="unknown key `colour`; it may have branch, build, build-number, channel"
    ):
        composed(f'{WORKSPACE}[dependencies]\nnumpy = {{ colour = "red" }}\n')


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("dependecies", "dependencies"),
        ("pypi-dependancies", "pypi-dependencies"),
        ("target.linux-64.dependecies", "dependencies"),
        ("feature.test.dependecies", "dependencies"),
    ],
)
def test_a_misspelt_table_is_warned_of(written: str, meant: str) -> None:
    [warning] = composed(f'{WORKSPACE}[{written}]\nnumpy = "*"\n').warnings
    assert warning == f"line 5 of pixi.toml: `{written}` is not known and was ignored; did you mean `{meant}`?"


def test_a_misspelt_table_of_a_pyproject_is_warned_of() -> None:
    text = WORKSPACE.replace("[workspace]", "[tool.pixi.workspace]") + "[tool.pixi.dependancies]\nnumpy = '*'\n"
    manifest = parse_manifest(text, "pyproject.toml", FOLDER)
    [warning] = misspelt(manifest.root, manifest.workspace)
    assert warning.startswith("line 5 of pyproject.toml: `tool.pixi.dependancies` is not known")


def test_keys_that_resemble_nothing_are_passed_over() -> None:
    assert composed(f"{WORKSPACE}novelty = 1\n[surprise]\nx = 1\n").warnings == ()
    assert not [warning for warning in composed_example().warnings if "did you mean" in warning]
