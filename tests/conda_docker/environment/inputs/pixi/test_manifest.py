"""Manifests of any year are read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_docker.environment.inputs.pixi.manifest import parse_manifest
from conda_docker.errors import InvalidEnvironment
from tests.conda_docker.environment.inputs.examples import example
from tests.conda_docker.environment.inputs.pixi.workspaces import WORKSPACE, composed


@pytest.mark.parametrize("name", ["workspace", "project", "tool.pixi.workspace", "tool.pixi.project"])
def test_the_tables_name(name: str) -> None:
    manifest = parse_manifest(WORKSPACE.replace("workspace", name), "pixi.toml", Path())
    assert manifest.name == "app"
    assert [platform.name for platform in manifest.platforms] == ["linux-64", "osx-64"]
    assert list(manifest.environments) == ["default"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = [", "pixi.toml is not valid TOML"),
        ("\na = 1\na = 2", "pixi.toml is not valid TOML: a is there twice"),
        ("[dependencies]\na = '*'", "pixi.toml is not a pixi manifest: it has no table `workspace`"),
        ("[tool.pixi.dependencies]\na = '*'", "it has no table `tool.pixi.workspace`"),
        ("[workspace]\nplatforms = []", "`workspace.channels` is missing"),
        ("[workspace]\nchannels = []\nplatforms = [1]", "`workspace.platforms` should hold strings and tables"),
        ("[workspace]\nchannels = []\nplatforms = [{ cuda = '12' }]", "has an entry without a platform"),
        ("workspace = 1", "`workspace` should be a table"),
        (WORKSPACE + "[environments]\na = ['b']", "the environment a has a feature 'b', which is not defined"),
        (WORKSPACE + "[environments]\na = 1", "`environments.a` should be a table"),
        (WORKSPACE + "[environments]\na = [1]", "`environments.a` should be a list of strings"),
        (WORKSPACE + "[environments]\na = { no-default-feature = 1 }", "should be true or false"),
        ("a = " + "[" * 2000, "pixi.toml"),
    ],
)
def test_what_is_no_manifest(text: str, message: str) -> None:
    with pytest.raises(InvalidEnvironment, match=message):
        parse_manifest(text, "pixi.toml", Path())


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("linux", True),
        ("unix", True),
        ("linux-64", True),
        ("linux-*", True),
        ("osx", False),
        ("win", False),
        ("linux-aarch64", False),
        ("osx-*", False),
    ],
)
def test_targets(selector: str, matches: bool) -> None:
    found = composed(f'{WORKSPACE}[target."{selector}".dependencies]\na = "*"\n')
    assert found.specs == (("a",) if matches else ())


def test_pyproject() -> None:
    found = composed(example("pyproject.toml"))
    assert found.specs == ("python >=3.11,!=3.12.*", "zlib")
    assert found.pip is not None
    assert found.pip.requirements[0] == "boto3"
    assert found.pip.requirements[1] == "numpy"
    assert found.pip.requirements[2].startswith("example-app @ file://")
    assert found.pip.requirements[3] == "rich >=13"


def test_groups_are_features() -> None:
    found = composed(example("pyproject.toml"), "test")
    assert found.specs == ("make", "python >=3.11,!=3.12.*", "zlib")
    assert found.pip is not None
    assert found.pip.requirements[:2] == ("pytest", "ruff")


def test_a_python_of_its_own_replaces_the_projects() -> None:
    text = example("pyproject.toml").replace('zlib = "*"', 'python = "3.13.*"')
    assert composed(text).specs == ("python 3.13.*",)


def test_a_python_version_as_pip_writes_it() -> None:
    text = example("pyproject.toml").replace(">= 3.11, != 3.12.*", "==3.12.*")
    assert composed(text).specs[0] == "python 3.12.*"


def test_a_project_that_requires_no_python() -> None:
    text = example("pyproject.toml").replace('requires-python = ">= 3.11, != 3.12.*"\n', "")
    assert composed(text).specs[0] == "python"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('["ruff"]', '[{ include-group = "test" }]', "`dependency-groups.test` includes itself"),
        ('["ruff"]', '[{ include-group = "docs" }]', "`dependency-groups` has no 'docs', which another entry"),
        ('["ruff"]', "[1]", "`dependency-groups.lint-tools` should hold requirements"),
        ('["boto3"]', '["Example.App[all]"]', "`project.optional-dependencies.s3` includes itself"),
        ('["boto3"]', '["example-app[x]"]', "`project.optional-dependencies` has no 'x'"),
    ],
)
def test_groups_that_contradict_themselves(old: str, new: str, message: str) -> None:
    with pytest.raises(InvalidEnvironment, match=message):
        composed(example("pyproject.toml").replace(old, new))


@given(st.data())
def test_any_damage_is_an_error_or_harmless(data: st.DataObject) -> None:
    text = example("pixi.toml")
    start = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, 30))
    put = data.draw(st.text(alphabet="a=[]{}\n \"'1,.", max_size=6))
    try:
        parse_manifest(text[:start] + put + text[start + length :], "pixi.toml", Path())
    except InvalidEnvironment:
        return
