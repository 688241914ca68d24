"""What a request describes, before anything is opened or solved for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conda_docker.environment.inputs.kind import InputFile
from conda_docker.environment.spec import EnvironmentSpec
from conda_docker.errors import ChannelError, InvalidEnvironment, Unsolvable, UnsupportedInput
from conda_docker.request import ChannelPriority, Request
from conda_docker.resolution.describe import describe, place_of, read_files
from conda_docker.resolution.lock import lock
from conda_docker.resolution.resolve import resolve
from python_docker.errors import notes_of
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.resolution.asking import AMD64, resolve_one, write


def test_a_file_that_asks_for_nothing(tmp_path: Path) -> None:
    with pytest.raises(InvalidEnvironment, match="no packages are asked for"):
        lock(file=write(tmp_path / "environment.yml", "dependencies: []"))


@pytest.mark.parametrize(
    ("requirement", "error", "said"),
    [
        ("six>>1", InvalidEnvironment, r"environment\.yml, line 5: not a requirement: 'six>>1'"),
        ("./no-1-py3-none-any.whl", InvalidEnvironment, r"environment\.yml, line 5: there is nothing at"),
        ("-e .", UnsupportedInput, "must be built from source.*--allow-sdist"),
        ("git+https://host/a.git", UnsupportedInput, "must be built from source"),
    ],
)
def test_what_pip_cannot_have_is_refused_before_anything_is_asked_for(
    tmp_path: Path, requirement: str, error: type[Exception], said: str
) -> None:
    text = f"channels: [file:///nowhere]\ndependencies:\n- python\n- pip:\n  - {requirement}\n"
    request = Request(files=(write(tmp_path / "environment.yml", text),), base=f"oci:{tmp_path}/no-base")
    with pytest.raises(error, match=said):
        resolve(request)


def test_pip_packages_without_python(synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    synthetic_channel.add(SyntheticPackage(name="a"))
    text = f"channels: [{synthetic_channel.url}, nodefaults]\ndependencies: [a, pip: [six]]"
    file = write(tmp_path / "environment.yml", text)
    with pytest.raises(InvalidEnvironment, match=r"environment\.yml asks pip for packages.*add python and pip"):
        lock(file=file, platform=AMD64)


def test_pip_is_added_where_nothing_else_is_asked_for(tmp_path: Path) -> None:
    file = write(tmp_path / "environment.yml", "dependencies: [pip: [six]]")
    found = describe(Request(files=(file,)), read_files((file,)), "linux-64")
    assert isinstance(found, EnvironmentSpec)
    assert found.specs == ("pip",)
    assert found.warnings == (f"{file} asks pip for packages and lists no other: pip is added, and with it Python",)
    with_others = Request(files=(file,), specs=("python",))
    both = describe(with_others, read_files((file,)), "linux-64")
    assert isinstance(both, EnvironmentSpec)
    assert both.specs == ("python",)


def test_categories_without_python(tmp_path: Path) -> None:
    entry = (
        "version: 1\nmetadata: {platforms: [linux-64]}\npackage:\n- {name: six, version: '1', manager: pip, "
        f"platform: linux-64, url: 'https://h/six-1-py3-none-any.whl', hash: {{sha256: {'a' * 64}}}, category: dev}}\n"
    )
    file = write(tmp_path / "conda-lock.yml", entry)
    with pytest.raises(InvalidEnvironment, match=r"conda-lock\.yml asks .*in the categories dev; choose a category"):
        lock(file=file, categories=["dev"], platform=AMD64)


def test_a_kind_of_file_that_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedInput, match="a TOML file"):
        lock(file=write(tmp_path / "pyproject.toml", "[project]\nname = 'app'\n"))


def test_several_files_are_one_environment(channel: SyntheticChannel, tmp_path: Path) -> None:
    first = write(
        tmp_path / "a.yml", f"name: a\nchannels: ['{channel.url}']\ndependencies: [tool]\nvariables: {{A: 1}}"
    )
    second = write(tmp_path / "b.yml", "name: b\ndependencies: [library]\nvariables: {A: 2, B: 3}")
    found = lock(file=[first, second], platform=AMD64)
    assert sorted(found.requested) == ["library", "tool"]
    assert (found.name, found.variables) == ("a", {"A": "2", "B": "3"})


def test_an_exact_list_takes_no_other_file(tmp_path: Path) -> None:
    listed = write(tmp_path / "list.txt", "@EXPLICIT\nhttps://host/c/linux-64/a-1-0.conda\n")
    other = write(tmp_path / "a.yml", "dependencies: [tool]")
    with pytest.raises(InvalidEnvironment, match="neither packages nor another file"):
        lock(file=[listed, other])


@pytest.mark.parametrize(
    ("choice", "message"),
    [({"environment": "docs"}, "which has no environments to choose"), ({"categories": ["dev"]}, "has no categories")],
)
def test_a_choice_that_a_file_does_not_offer(tmp_path: Path, choice: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidEnvironment, match=message):
        lock(file=write(tmp_path / "list.txt", "@EXPLICIT\nhttps://host/c/linux-64/a-1-0.conda\n"), **choice)


@pytest.mark.parametrize("spec", ["python >=3.11,<<4", "numpy >=1.20,", "::numpy"])
def test_a_bad_spec_is_named_with_its_file_and_line(
    synthetic_channel: SyntheticChannel, tmp_path: Path, spec: str
) -> None:
    file = write(
        tmp_path / "environment.yml", f"channels:\n- {synthetic_channel.url}\ndependencies:\n- pip\n- '{spec}'\n"
    )
    with pytest.raises(InvalidEnvironment, match=r"environment\.yml, line 5: not a valid package spec"):
        resolve_one(tmp_path, files=file, override_channels=True, base="scratch")


def test_what_cannot_be_solved_is_said_with_its_lines(synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    synthetic_channel.add(
        SyntheticPackage(name="lib", version="1"),
        SyntheticPackage(name="tool", version="1", depends=("lib >=2",)),
        SyntheticPackage(name="other", version="1"),
    )
    text = f"channels: ['{synthetic_channel.url}', nodefaults]\ndependencies:\n  - other\n  - tool\n  - lib=1\n"
    file = write(tmp_path / "environment.yml", text)
    with pytest.raises(Unsolvable) as caught:
        resolve_one(tmp_path, files=file, base="scratch")
    asked = str(caught.value).partition("asked for in:\n")[2].splitlines()
    assert asked == [f"  tool: {file}, line 4", f"  lib=1: {file}, line 5"]


def test_a_version_of_a_pixi_manifest_is_found_by_the_package_s_name(
    synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    synthetic_channel.add(SyntheticPackage(name="tool", version="1"))
    text = f'''[workspace]
channels = ["{synthetic_channel.url}"]
platforms = ["linux-64", "linux-aarch64"]
[dependencies]
tool = ">=9"
'''
    file = write(tmp_path / "pixi.toml", text)
    with pytest.raises(Unsolvable, match=r"asked for in:\n  tool >=9: .*pixi\.toml, line 5"):
        resolve_one(tmp_path, files=file, base="scratch")


def test_a_lock_file_with_packages_of_a_channel_that_the_configuration_forbids(tmp_path: Path, home: Path) -> None:
    (tmp_path / "lock.txt").write_text("@EXPLICIT\nhttps://conda.example.org/t/s3cret/bad/linux-64/a-1-0.conda\n")
    (home / ".condarc").write_text("denylist_channels: [https://conda.example.org/bad]\n")
    request = Request(files=(tmp_path / "lock.txt",))
    with pytest.raises(ChannelError, match=r"does not allow the channel https://conda\.example\.org/bad "):
        describe(request, [InputFile.read(path) for path in request.files], None)


@pytest.mark.parametrize(
    ("text", "spec", "line"),
    [
        ("name: pipeline\nchannels: [pip]\ndependencies:\n- pip\n", "pip", 4),
        ("channels:\n- pytorch\ndependencies:\n- pytorch\n", "pytorch", 4),
        ("dependencies:\n- numpy >=1.5\n- numpy >=1\n", "numpy >=1", 3),
        ("dependencies: [a, b >=2]\n", "b >=2", 1),
        ('[workspace]\nname = "r"\n[dependencies]\nr = "*"\n', "r", 4),
        ('[workspace]\nname = "x"\n[dependencies]\nnumpy = "^1.0"\n', "numpy ^1.0", 4),
        ("dependencies:\n- numpy\n", "num", None),
    ],
)
def test_the_line_that_a_package_is_asked_for_in(tmp_path: Path, text: str, spec: str, line: int | None) -> None:
    found = place_of(spec, [InputFile.of(Path("file"), text)])
    assert found == (None if line is None else f"file, line {line}")


def test_what_only_matters_to_a_solver_has_no_effect_on_exact_packages(tmp_path: Path) -> None:
    listed = tmp_path / "explicit.txt"
    listed.write_text("@EXPLICIT\nhttps://conda.example.org/team/noarch/a-1.0-0.conda\n")
    request = Request(
        files=(listed,), channels=("https://me:secret@conda.example.org/x",), channel_priority=ChannelPriority.STRICT
    )
    assert describe(request, read_files(request.files), "linux-64").warnings[-1] == (
        f"the packages of {listed} are exact, so the channels that were given "
        "(https://conda.example.org/x) and the channel priority had no effect"
    )
    alone = describe(Request(files=(listed,)), read_files((listed,)), "linux-64")
    assert not any("had no effect" in warning for warning in alone.warnings)


def test_what_was_passed_over_is_said_where_nothing_is_left(tmp_path: Path) -> None:
    text = "[workspace]\nname='x'\nchannels=['conda-forge']\nplatforms=['linux-64']\n[dependancies]\napp='*'\n"
    file = write(tmp_path / "pixi.toml", text)
    with pytest.raises(InvalidEnvironment, match="no packages are asked for") as caught:
        describe(Request(files=(file,)), read_files((file,)), "linux-64")
    assert any("did you mean `dependencies`?" in note for note in notes_of(caught.value))
