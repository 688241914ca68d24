"""Lists of `conda list` are exact specs, and what pip installed are requirements."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_docker.channels.configuration import CondaConfiguration
from conda_docker.environment.inputs.kind import InputFile, ReadRequest
from conda_docker.environment.inputs.specs.list_export import KIND, parse_list_export
from conda_docker.environment.solve.match_specs import read_specs
from conda_docker.environment.spec import EnvironmentSpec
from conda_docker.errors import InvalidEnvironment, UnsupportedInput
from conda_docker.user_files import read_text
from tests.conda_docker.environment.inputs.examples import FOLDER
from tests.conda_docker.environment.real_files import real_files

NAME = "list-export.txt"


def test_everything() -> None:
    """The file is as PowerShell writes it."""
    found = parse_list_export(read_text(FOLDER / NAME), NAME, folder=FOLDER)
    assert found.specs == (
        "_libgcc_mutex ==0.1 conda_forge",
        "conda-forge::python ==3.12.3 hab00c5b_0_cpython",
        "x264 ==1!164.3095 h166bdaf_2",
        "zlib ==1.3.1",
    )
    assert found.pip is not None
    assert found.pip.requirements == ("absl-py==1.4.0", "torch==2.1.0+cu121")
    assert (found.pip.folder, found.pip.origin) == (FOLDER, NAME)
    assert found.subdir == "linux-64"
    [warning] = found.warnings
    assert warning == (
        "list-export.txt does not say which channels its packages are from: they are searched in those of -c and of "
        "your conda configuration"
    )


TABLE = """\
# packages in environment at /home/somebody/envs/x:
#
# Name                    Version                   Build  Channel
_libgcc_mutex             0.1                        main  
absl-py                   1.4.0                    pypi_0    pypi
certifi                   2018.4.16                 <pip>
python                    3.12.3      hab00c5b_0_cpython    conda-forge
"""  # noqa: W291

OF_MICROMAMBA = """\
List of packages in environment: "/home/somebody/envs/x"

  Name           Version  Build               Channel    
──────────────────────────────────────────────────────────
  _libgcc_mutex  0.1      main                pkgs/main
  python         3.12.3   hab00c5b_0_cpython  conda-forge
"""  # noqa: W291


def test_a_table() -> None:
    file = InputFile.of(Path("list.txt"), TABLE)
    assert KIND.detect(file)
    found = KIND.read(ReadRequest(file=file, subdir="linux-64"))
    assert isinstance(found, EnvironmentSpec)
    assert found.specs == ("_libgcc_mutex ==0.1 main", "conda-forge::python ==3.12.3 hab00c5b_0_cpython")
    assert found.channels == ("defaults", "conda-forge")
    assert found.pip is not None
    assert found.pip.requirements == ("absl-py==1.4.0", "certifi==2018.4.16")
    assert (found.subdir, found.warnings) == ("linux-64", ())


def test_the_table_of_micromamba() -> None:
    assert KIND.detect(InputFile.of(Path("list.txt"), OF_MICROMAMBA))
    found = parse_list_export(OF_MICROMAMBA)
    assert found.specs == ("pkgs/main::_libgcc_mutex ==0.1 main", "conda-forge::python ==3.12.3 hab00c5b_0_cpython")


def test_a_table_with_a_line_of_another_form() -> None:
    with pytest.raises(InvalidEnvironment, match=r"line 8 of list\.txt: not a package as `conda list` writes it: 'x'"):
        parse_list_export(TABLE + "x\n", "list.txt")


def test_nothing_for_pip() -> None:
    assert parse_list_export("a=1=0").pip is None


@pytest.mark.parametrize(("wanted", "subdir"), [(None, None), ("linux-s390x", "linux-s390x")])
def test_a_list_that_does_not_say_what_it_is_for(wanted: str | None, subdir: str | None) -> None:
    assert parse_list_export("a=1=0", subdir=wanted).subdir == subdir


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a=1=0\nhello world", "line 2 of list.txt: not a package as `conda list --export` writes it: 'hello world'"),
        ("a=1=0\na=2=0", "line 2 of list.txt: the package a is named before, on line 1, in another version or build"),
        ("a=1=pypi_0\na=2=pypi_0", "line 2 of list.txt: the package a is named before"),
        ("# platform: win-64\na=1=0", "list.txt is a list for win-64, and linux-64 was asked for"),
        ("# nothing", "list.txt names no conda packages"),
        ("a=1=pypi_0", "list.txt names no conda packages"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidEnvironment, match=message):
        parse_list_export(text, "list.txt", subdir="linux-64")


def test_a_list_for_another_system(tmp_path: Path) -> None:
    file = InputFile.of(tmp_path / "list.txt", "# platform: win-64\na=1=0\n")
    with pytest.raises(UnsupportedInput, match=r"list.txt names builds for win-64, which do not run in a Linux image"):
        KIND.read(ReadRequest(file=file))


@pytest.mark.parametrize("build", ["dev_0", "<develop>"])
def test_packages_in_development_are_refused_by_name(build: str) -> None:
    with pytest.raises(UnsupportedInput, match=r"line 1 of list.txt: app is installed in development mode"):
        parse_list_export(f"app=1={build}", "list.txt")


@given(st.text(alphabet="ab=.:# \n-<>", max_size=40))
def test_any_text_is_a_list_or_an_error(text: str) -> None:
    try:
        parse_list_export(text)
    except (InvalidEnvironment, UnsupportedInput):
        return


@pytest.mark.parametrize("path", real_files("list-export"), ids=lambda path: path.name)
def test_real_files(path: Path) -> None:
    text = read_text(path)
    found = parse_list_export(text, path.name)
    rows = re.findall(r"^([\w.-]+)=([^=\s]+)=(\S+)\s*$", text, re.MULTILINE)
    assert len(rows) > 50
    assert KIND.detect(InputFile.of(path, text))
    assert set(found.specs) == {f"{name} =={version} {build}" for name, version, build in rows if build != "pypi_0"}
    pip = {f"{name}=={version}" for name, version, build in rows if build == "pypi_0"}
    assert set(found.pip.requirements if found.pip else ()) == pip
    assert len(read_specs(found.specs, CondaConfiguration())) == len(found.specs)
    assert found.subdir == re.findall(r"# platform: (\S+)", text)[0]
