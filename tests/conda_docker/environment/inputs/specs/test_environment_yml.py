"""environment.yml says what conda understands by it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_docker.environment.inputs.specs.environment_yml import parse_environment_yml
from conda_docker.environment.packages.wheels import PipOption, PipRequirements
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


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("dask[complete] >=2", "dask >=2"),
        ("conda-forge::python-lsp-server[all]", "conda-forge::python-lsp-server"),
        ("python=>3.8,<4", "python>=3.8,<4"),
        ("pip=", "pip"),
    ],
)
def test_what_conda_takes_in_its_own_way(written: str, read: str) -> None:
    found = parse_environment_yml(f"dependencies:\n- '{written}'\n", "env.yml")
    assert found.specs == (read,)
    [warning] = found.warnings
    assert warning.startswith(f"env.yml, line 2: '{written}' is read as '{read}'")


@pytest.mark.parametrize("spec", ["blas[build=mkl]", "a[version='>=1']", "a==1=0", "a>=1,<2", "a =1", "a!=1"])
def test_specs_that_stay_as_they_are(spec: str) -> None:
    found = parse_environment_yml(f'dependencies:\n- "{spec}"\n')
    assert (found.specs, found.warnings) == ((spec,), ())


def test_items_that_were_commented_out() -> None:
    found = parse_environment_yml("dependencies:\n- a\n- # b\n- pip:\n  - c\n  - # d==1\n", "env.yml")
    assert found.specs == ("a",)
    assert found.pip is not None
    assert found.pip.requirements == ("c",)
    assert found.warnings == tuple(f"env.yml, line {line}: an empty item was ignored" for line in (3, 6))


def test_constraints_as_in_recipes() -> None:
    found = parse_environment_yml("dependencies:\n- a\n- run_constrained:\n  - b >=1  # since then\n")
    assert (found.specs, found.constraints, found.warnings) == (("a",), ("b >=1",), ())


def test_json() -> None:
    assert parse_environment_yml('{"dependencies": ["a", {"pip": ["b"]}]}').specs == ("a",)


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


def test_a_pip_section(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("# more\nrequests >=2\n-c limits.txt\n")
    (tmp_path / "limits.txt").write_text("urllib3 <3\n")
    text = "dependencies: [pip, {pip: [flask==3, '-i https://index.example.org', -r more.txt, ./dist/x.whl, -e .]}]"
    found = parse_environment_yml(text, "env.yml", folder=tmp_path)
    assert found.specs == ("pip",)
    assert found.pip == PipRequirements(
        requirements=("flask==3", "requests >=2", f"{tmp_path}/dist/x.whl", f"-e {tmp_path}"),
        constraints=("urllib3 <3",),
        options=(PipOption("index-url", "https://index.example.org"),),
        folder=tmp_path,
        origin="env.yml",
    )


def test_one_pip_package_as_a_string() -> None:
    found = parse_environment_yml("dependencies: [{pip: requests}]").pip
    assert found is not None
    assert found.requirements == ("requests",)


def test_an_empty_pip_section_asks_for_nothing() -> None:
    found = parse_environment_yml("dependencies: [a, {pip: []}, {pip: }]")
    assert (found.specs, found.pip) == (("a",), None)


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
        "dependencies: [a]\nchannels: conda-forge",
        "dependencies: [a]\nchannels: [{a: b}]",
        "dependencies: [a]\nname: [x]",
        "dependencies: [a]\nvariables: [x]",
        "dependencies: [a]\nvariables: {1x: y}",
        "dependencies: [a]\nvariables: {'A=B': y}",
        "dependencies: [a]\nvariables: {A: [b]}",
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
    found = parse_environment_yml(text, path.name, subdir="linux-64", folder=path.parent)
    assert found.specs
    assert (found.pip is not None) == ("- pip:" in text)
    assert not found.warnings


SELECTED = """
dependencies:
  - python
  - linux-only  # [linux]
  - x86-only    # comment [linux64]
  - windows     # [win]
  - both        # [osx or (linux and not aarch64)]
  - noted       # see [issue 12]
  - sel(unix): unix-only
  - sel(win): windows-too
  - sel(linux): [one, two]
  - pip:        # [win]
    - windows-pip
  - pip:
    - flask
    - winpip    # [win]
"""


def test_selectors_choose_by_the_platform() -> None:
    found = parse_environment_yml(SELECTED, subdir="linux-64")
    assert found.specs == ("python", "linux-only", "x86-only", "both", "noted", "unix-only", "one", "two")
    assert found.pip is not None
    assert found.pip.requirements == ("flask",)
    found = parse_environment_yml(SELECTED, subdir="linux-aarch64")
    assert found.specs == ("python", "linux-only", "noted", "unix-only", "one", "two")


def test_a_key_that_is_not_a_selector() -> None:
    with pytest.raises(InvalidEnvironment, match=r"line 1: `sel\(beos\)` is not a selector"):
        parse_environment_yml("dependencies: [{sel(beos): a}]")


@pytest.mark.parametrize(
    ("written", "value", "said"),
    [
        ("0755", "755", "is '755', since '0755' is not a string in YAML"),
        ("1e3", "1000.0", "is '1000.0'"),
        ("true", "True", "is 'True'"),
        ("", "", "is empty; quote"),
        ("null", "", "is empty, since `null` is not a value"),
        ("2026-01-31", "2026-01-31", None),
        ("yes", "yes", None),
        ("12", "12", None),
        ("'0755'", "0755", None),
        ('""', "", None),
    ],
)
def test_values_as_conda_reads_them(written: str, value: str, said: str | None) -> None:
    found = parse_environment_yml(f"dependencies: [a]\nvariables:\n  A: {written}\n", "env.yml")
    assert found.variables == {"A": value}
    assert [f"the variable A {said}" in warning for warning in found.warnings] == ([True] if said else [])


def test_names_of_variables_stay_as_they_are_written() -> None:
    found = parse_environment_yml("dependencies: [a]\nvariables: {OMPI_MCA_rmaps_base: x, http_proxy: y}")
    assert found.variables == {"OMPI_MCA_rmaps_base": "x", "http_proxy": "y"}


@pytest.mark.parametrize(("name", "usable"), [("my env", "my-env"), ("a/b", "a-b"), ("a:b", "a-b"), ("..", None)])
def test_names_that_cannot_be_folders(name: str, usable: str | None) -> None:
    found = parse_environment_yml(f"name: '{name}'\ndependencies: [a]")
    assert found.name == usable
    assert f"{name!r} cannot be the name of an environment" in found.warnings[0]


def test_a_key_that_is_misspelt() -> None:
    with pytest.raises(InvalidEnvironment, match="it has `depencencies:`, did you mean that"):
        parse_environment_yml("name: x\ndepencencies: [a]")
    [warning] = parse_environment_yml("dependencies: [a]\nnmae: b").warnings
    assert "did you mean `name`?" in warning


@pytest.mark.parametrize(
    ("written", "meant"), [("chanels", "channels"), ("Platform", "platforms"), ("variabels", "variables")]
)
def test_a_misspelt_key_that_decides_about_packages_is_an_error(written: str, meant: str) -> None:
    with pytest.raises(InvalidEnvironment, match=f"env.yml, line 2: '{written}' is not known; did you mean `{meant}`"):
        parse_environment_yml(f"dependencies: [a]\n{written}: [b]", "env.yml")


def test_a_pip_section_outside_of_the_dependencies_is_an_error() -> None:
    with pytest.raises(InvalidEnvironment, match="`pip:` belongs into `dependencies:`"):
        parse_environment_yml("dependencies: [a]\npip: [flask]")


@pytest.mark.parametrize("option", ["--no-binary :all:", "--only-binary=:all:"])
def test_an_option_for_pip_that_yaml_takes_for_a_mapping(option: str) -> None:
    text = f"dependencies:\n- pip:\n  - {option}\n  - six\n"
    with pytest.raises(InvalidEnvironment, match=f"line 3: .*put it in quotes: - '{option}'"):
        parse_environment_yml(text, "env.yml")


def test_a_colon_in_place_of_an_equals_sign() -> None:
    with pytest.raises(UnsupportedInput, match=r"did you mean `- python=3\.12`\?"):
        parse_environment_yml("dependencies: [{python: 3.12}]")


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_line_ends_of_other_systems(newline: str) -> None:
    text = SELECTED.replace("\n", newline)
    assert parse_environment_yml(text, subdir="linux-64") == parse_environment_yml(SELECTED, subdir="linux-64")


def test_a_variable_in_a_channel_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEAM_TOKEN", raising=False)
    with pytest.raises(InvalidEnvironment, match="needs the environment variable TEAM_TOKEN"):
        parse_environment_yml("channels: ['https://host/t/${TEAM_TOKEN}/team']\ndependencies: [a]")


def test_a_category_that_is_not_asked_for() -> None:
    text = "category: dev\ndependencies: [a]"
    assert parse_environment_yml(text).specs == ("a",)
    assert parse_environment_yml(text, categories=["dev"]).specs == ("a",)
    found = parse_environment_yml(text, "env.yml", categories=["main"])
    assert (found.specs, found.warnings) == ((), ("env.yml is left out: its category is 'dev'",))


def test_errors_name_the_line() -> None:
    with pytest.raises(InvalidEnvironment, match=r"env\.yml, line 4: an item of `dependencies`"):
        parse_environment_yml("name: x\ndependencies:\n- a\n- 1.5\n", "env.yml")


def test_keys_are_merged_from_other_mappings() -> None:
    found = parse_environment_yml(
        "base: &base {channels: [team], name: base}\n"
        "shared: &shared {A: first, B: first}\n"
        "<<: *base\n"
        "name: own\n"
        "dependencies: [a]\n"
        "variables: {<<: [{B: nearer}, *shared], C: own}\n"
    )
    assert (found.name, found.channels) == ("own", ("team",))
    assert found.variables == {"A": "first", "B": "nearer", "C": "own"}


@pytest.mark.parametrize("text", ["dependencies: [a]\nvariables: &v {<<: *v, A: b}\n", "dependencies: [a]\n<<: []\n"])
def test_a_mapping_that_merges_itself_or_nothing(text: str) -> None:
    assert parse_environment_yml(text).specs == ("a",)


def test_what_cannot_be_merged() -> None:
    with pytest.raises(InvalidEnvironment, match="line 1: `<<` should name a mapping"):
        parse_environment_yml("<<: a\ndependencies: [a]\n")


def test_selectors_choose_channels() -> None:
    text = "channels:\n- team\n- msys2  # [win]\n- more  # [linux]\ndependencies: [a]\n"
    assert parse_environment_yml(text, subdir="linux-64").channels == ("team", "more")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{% set v = 1 %}\ndependencies: [a]\n", 1),
        ("name: x\ndependencies:\n- a={{ version }}\n", 3),
        ("includes:\n- {{ root }}/b.yml\ndependencies: [a]\n", 2),
    ],
)
def test_a_template_is_to_be_rendered_first(text: str, line: int) -> None:
    with pytest.raises(InvalidEnvironment, match=rf"line {line}(?s:.*)template of Jinja: render it first"):
        parse_environment_yml(text)


def test_braces_in_the_value_of_a_variable_are_not_a_template() -> None:
    found = parse_environment_yml('dependencies: [a]\nvariables: {A: "x {{ ds }}"}\n')
    assert found.variables == {"A": "x {{ ds }}"}
