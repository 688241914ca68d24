"""Files that are known and not read are refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.environment.inputs.kind import InputFile, ReadRequest
from conda_docker.environment.inputs.refused import TOML
from conda_docker.environment.inputs.table import kind_of
from conda_docker.errors import UnsupportedInput


def test_a_toml_file_without_a_table_of_pixi() -> None:
    file = InputFile.of(Path("Cargo.toml"), '[package]\nname = "x"\n')
    assert TOML.detect(file)
    with pytest.raises(UnsupportedInput, match=r"Cargo\.toml is a TOML file, and has no table of pixi"):
        TOML.read(ReadRequest(file=file))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("uv.lock", 'version = 1\n[[package]]\nname = "x"\n', "a lock file of uv: .*uv export.*--project"),
        ("poetry.lock", '[[package]]\nname = "x"\n', "a lock file of Poetry: .*poetry export"),
        ("Pipfile.lock", "{}", "a file of Pipenv: .*pipenv requirements"),
        ("pylock.dev.toml", 'lock-version = "1.0"\n', "a lock file of pip packages: "),
        ("meta.yaml", "{% set v = 1 %}\npackage:\n  name: x\n", "a recipe of conda-build: build the package"),
        ("recipe.yaml", "package:\n  name: x\n", "a recipe of rattler-build: build the package"),
        ("anaconda-project.yml", "env_specs: {}\n", "a project of anaconda-project: .*export-env-spec"),
        ("list.json", '[{"base_url": "https://x", "name": "a"}]', "the output of `conda list --json`: .*--explicit"),
    ],
)
def test_files_of_other_tools_are_called_by_their_names(name: str, text: str, said: str) -> None:
    file = InputFile.of(Path(name), text)
    with pytest.raises(UnsupportedInput, match=f"{name} is {said}"):
        kind_of(file).read(ReadRequest(file=file))


def test_an_environment_file_may_have_any_name() -> None:
    assert kind_of(InputFile.of(Path("recipe.yaml"), "dependencies: [a]\n")).name == "an environment.yml"


def test_other_files_are_left_to_others() -> None:
    assert not TOML.detect(InputFile.of(Path("environment.yml"), ""))
