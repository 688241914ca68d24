"""environment.yml says what conda understands by it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_docker.environment.inputs.environment_yml import parse_environment_yml
from conda_docker.errors import InvalidEnvironment, UnsupportedInput
from conda_docker.user_files import read_text
from tests.conda_docker.environment.real_files import real_files

EXAMPLE = """
name: analysis
prefix: /home/somebody/envs/analysis
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python >=3.12,<3.14
  - bioconda::samtools=1.20  # [linux]
  # - pywin32  # [win]
  - blas[build=mkl]
variables:
  DATA: /data
  THREADS: 4
  RATIO: 0.5
"""


def test_everything() -> None:
    found = parse_environment_yml(EXAMPLE)
    assert found.name == "analysis"
    assert found.channels == ("conda-forge", "nodefaults")
    assert found.specs == ("python >=3.12,<3.14", "bioconda::samtools=1.20", "blas[build=mkl]")
    assert found.variables == {"DATA": "/data", "THREADS": "4", "RATIO": "0.5"}
    assert found.warnings == ()


def test_the_least() -> None:
    found = parse_environment_yml("dependencies: [numpy]")
    assert (found.specs, found.channels, found.name) == (("numpy",), (), None)


def test_empty_parts() -> None:
    found = parse_environment_yml("name:\nchannels:\ndependencies:\nvariables:\n")
    assert (found.specs, found.channels, found.variables) == ((), (), {})


def test_variables_in_channels_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM_TOKEN", "tk-1")
    assert parse_environment_yml("channels: [https://host/t/$TEAM_TOKEN/team]\ndependencies: [a]").channels == (
        "https://host/t/tk-1/team",
    )


def test_unknown_keys_are_warned_of() -> None:
    found = parse_environment_yml("dependencies: [a]\nsolver: fast\n", "env.yml")
    assert found.warnings == ("env.yml: 'solver' is not known and was ignored",)


def test_platforms_without_the_wanted_one_are_warned_of() -> None:
    text = "dependencies: [a]\nplatforms: [osx-arm64, linux-64]"
    assert parse_environment_yml(text, subdir="linux-64").warnings == ()
    [warning] = parse_environment_yml(text, subdir="linux-aarch64").warnings
    assert "is for osx-arm64, linux-64; it was solved for linux-aarch64" in warning


def test_pip_packages_are_refused_by_name() -> None:
    text = "dependencies: [pip, {pip: [a==1, b, c, d, e, f, 'https://me:s3cret@host/g.whl']}]"
    with pytest.raises(UnsupportedInput, match="asks pip for a==1, b, c, d, e and 2 more") as caught:
        parse_environment_yml(text)
    assert "s3cret" not in str(caught.value)


def test_one_pip_package_as_a_text() -> None:
    with pytest.raises(UnsupportedInput, match="asks pip for requests"):
        parse_environment_yml("dependencies: [{pip: requests}]")


def test_an_empty_pip_section_asks_for_nothing() -> None:
    assert parse_environment_yml("dependencies: [a, {pip: []}]").specs == ("a",)


def test_other_sections_are_refused_by_name() -> None:
    with pytest.raises(UnsupportedInput, match=r"section 'npm' in its dependencies \(left-pad\)"):
        parse_environment_yml("dependencies: [{npm: [left-pad]}]")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "just text",
        "- a",
        "name: x",
        "dependencies: numpy",
        "dependencies: [1.5]",
        "dependencies: [[a]]",
        "dependencies: [null]",
        "dependencies: [a]\nchannels: conda-forge",
        "dependencies: [a]\nchannels: [{a: b}]",
        "dependencies: [a]\nname: [x]",
        "dependencies: [a]\nvariables: [x]",
        "dependencies: [a]\nvariables: {1x: y}",
        "dependencies: [a]\nvariables: {'A=B': y}",
        "dependencies: [a]\nvariables: {A: [b]}",
        "dependencies: [a]\nvariables: {A: }",
        'dependencies: [a]\nvariables: {A: "\\0"}',
        "dependencies: [a\n",
    ],
)
def test_what_is_no_environment_file(text: str) -> None:
    with pytest.raises(InvalidEnvironment, match=r"env\.yml"):
        parse_environment_yml(text, "env.yml")


plain = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
values = st.recursive(plain, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=5), v, max_size=3))


@given(st.dictionaries(st.sampled_from(["name", "channels", "dependencies", "variables", "x"]), values))
def test_any_document_is_an_environment_or_an_error(document: dict[str, object]) -> None:
    try:
        found = parse_environment_yml(json.dumps(document))
    except (InvalidEnvironment, UnsupportedInput):
        return
    assert all(isinstance(text, str) for text in (*found.specs, *found.channels, *found.variables.values()))


@pytest.mark.parametrize("path", real_files("environment-yml"), ids=lambda path: path.name)
def test_real_files(path: Path) -> None:
    text = read_text(path)
    if "- pip:" in text:
        with pytest.raises(UnsupportedInput, match="asks pip for"):
            parse_environment_yml(text, path.name)
    else:
        assert parse_environment_yml(text, path.name).specs
