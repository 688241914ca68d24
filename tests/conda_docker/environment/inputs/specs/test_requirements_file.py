"""A pip section is a requirements file in the folder of the environment file."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.environment.inputs.specs.requirements_file import read_requirement_lines
from conda_docker.environment.packages.wheels import PipOption, PipRequirements
from conda_docker.errors import InvalidEnvironment, UnsupportedInput


def read(tmp_path: Path, *lines: str) -> PipRequirements:
    found = read_requirement_lines(lines, folder=tmp_path, origin="environment.yml")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("line", "requirement"),
    [
        ("flask", "flask"),
        ("flask >=3  # web", "flask >=3"),
        ("a @ https://host/a.whl#sha256=00", "a @ https://host/a.whl#sha256=00"),
        ("git+https://host/a.git@main#egg=a", "git+https://host/a.git@main#egg=a"),
        ("git+ssh://git@host/a.git", "git+ssh://git@host/a.git"),
        ("./a", "{}/a"),
        ("../a[extra]", "{parent}/a[extra]"),
        ("dist/a-1-py3-none-any.whl", "{}/dist/a-1-py3-none-any.whl"),
        ("a-1.tar.gz ; python_version>'3'", "{}/a-1.tar.gz ; python_version>'3'"),
        ("/x/a", "/x/a"),
        ("-e .", "-e {}"),
        ("--editable=sub[dev]", "-e {}/sub[dev]"),
        ("-e git+https://host/a.git#egg=a", "-e git+https://host/a.git#egg=a"),
        ("a==1 --hash=sha256:00", "a==1 --hash=sha256:00"),
    ],
)
def test_requirements(tmp_path: Path, line: str, requirement: str) -> None:
    wanted = requirement.replace("{}", str(tmp_path)).replace("{parent}", str(tmp_path.parent))
    assert read(tmp_path, line).requirements == (wanted,)


@pytest.mark.parametrize(
    ("line", "option"),
    [
        ("-i https://host/simple", ("index-url", "https://host/simple")),
        ("--index-url=https://host/simple", ("index-url", "https://host/simple")),
        ("-ihttps://host/simple", ("index-url", "https://host/simple")),
        ("--pypi-url https://host/simple", ("index-url", "https://host/simple")),
        ("--extra-index-url https://host/simple", ("extra-index-url", "https://host/simple")),
        ("-f wheels", ("find-links", "{}/wheels")),
        ("--find-links https://host/wheels", ("find-links", "https://host/wheels")),
        ("--no-index", ("no-index", "")),
        ("--pre", ("pre", "")),
        ("--only-binary :all:", ("only-binary", ":all:")),
    ],
)
def test_options(tmp_path: Path, line: str, option: tuple[str, str]) -> None:
    name, value = option
    assert read(tmp_path, "a", line).options == (PipOption(name, value.replace("{}", str(tmp_path))),)


@pytest.mark.parametrize("line", ["--prefer-binary", "--use-feature fast-deps", "--use-feature=fast-deps"])
def test_options_that_change_nothing_here_are_passed_over(tmp_path: Path, line: str) -> None:
    assert read(tmp_path, "a", line).options == ()


@pytest.mark.parametrize(
    ("lines", "requirements"),
    [
        ("flask \\\n  >=3\nrich", ("flask   >=3", "rich")),
        ("# a comment \\\nrich", ("rich",)),
        ("last \\", ("last",)),
        ("a \\\n# not a comment", ("a",)),
    ],
)
def test_lines_that_a_backslash_continues_are_one(tmp_path: Path, lines: str, requirements: tuple[str, ...]) -> None:
    assert read(tmp_path, lines).requirements == requirements


def test_included_files_are_relative_to_the_file_that_includes_them(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/all.txt").write_text("a\n-r more.txt\n-c limits.txt\n-f wheels\n")
    (tmp_path / "sub/more.txt").write_text("b \\\n  >=2\n./local\n")
    (tmp_path / "sub/limits.txt").write_text("c<3\n")
    found = read(tmp_path, "-r sub/all.txt")
    assert found.requirements == ("a", "b   >=2", f"{tmp_path}/sub/local")
    assert found.constraints == ("c<3",)
    assert found.options == (PipOption("find-links", f"{tmp_path}/sub/wheels"),)


def test_variables_as_pip_replaces_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "s3cret")
    found = read(tmp_path, "a", "-i https://me:${TOKEN}@host/simple", "b$TOKEN")
    assert found.options == (PipOption("index-url", "https://me:s3cret@host/simple"),)
    assert found.requirements == ("a", "b$TOKEN")


def test_nothing_asked_for(tmp_path: Path) -> None:
    assert read_requirement_lines(["# none", "", "--pre"], folder=tmp_path, origin="x") is None


@pytest.mark.parametrize(
    ("line", "error", "said"),
    [
        ("--upgrade", InvalidEnvironment, "'--upgrade' is not an option"),
        ("--target=/x", InvalidEnvironment, "is not an option"),
        ("-i", InvalidEnvironment, "--?i needs a value"),
        ("-r missing.txt", InvalidEnvironment, "cannot read .*missing.txt"),
        ("-r https://host/r.txt", UnsupportedInput, "is not on this machine"),
        ("-e 'x", InvalidEnvironment, "cannot be read"),
        ("-r loop.txt", InvalidEnvironment, "include each other"),
    ],
)
def test_lines_that_pip_would_not_take(tmp_path: Path, line: str, error: type[Exception], said: str) -> None:
    (tmp_path / "loop.txt").write_text("-r loop.txt\n")
    with pytest.raises(error, match=said):
        read(tmp_path, line)


@pytest.mark.parametrize("line", ["--index-url https://a six", "-i=https://a --pre six", "--no-binary=:all: six"])
def test_a_requirement_behind_an_option_is_not_dropped(tmp_path: Path, line: str) -> None:
    with pytest.raises(InvalidEnvironment, match="write 'six' on a line of its own"):
        read_requirement_lines([line], folder=tmp_path, origin="environment.yml")


def test_options_may_share_a_line(tmp_path: Path) -> None:
    assert read(tmp_path, "six", "-i https://a --extra-index-url https://b --pre").options == (
        PipOption("index-url", "https://a"),
        PipOption("extra-index-url", "https://b"),
        PipOption("pre"),
    )


def test_credentials_are_not_shown(tmp_path: Path) -> None:
    with pytest.raises(InvalidEnvironment) as caught:
        read(tmp_path, "--proxy https://me:s3cret@host")
    assert "s3cret" not in str(caught.value)


def test_messages_name_the_line(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("flask\n\n-r missing.txt\n")
    with pytest.raises(InvalidEnvironment, match=r"more\.txt, line 3: cannot read .*missing\.txt"):
        read_requirement_lines(["-r more.txt"], folder=tmp_path, origin="environment.yml", numbers=[7])
    with pytest.raises(InvalidEnvironment, match=r"environment\.yml, line 8: '--upgrade' is not an option"):
        read_requirement_lines(["flask", "--upgrade"], folder=tmp_path, origin="environment.yml", numbers=[7, 8])


def test_requirements_remember_their_lines(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("# web\nflask\n")
    found = read_requirement_lines(["six", "-r more.txt"], folder=tmp_path, origin="environment.yml", numbers=[7, 8])
    assert found is not None
    assert found.places == {"six": "environment.yml, line 7", "flask": f"{tmp_path}/more.txt, line 2"}


def test_a_token_where_nothing_says_that_it_is_one_is_kept_out_of_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INDEX_TOKEN", "s3cret-1")
    with pytest.raises(InvalidEnvironment, match="x, line 7: the value of INDEX_TOKEN stands in a URL") as caught:
        read_requirement_lines(
            ["-i https://host/${INDEX_TOKEN}/simple", "a"], folder=Path(), origin="x", numbers=[7, 8]
        )
    assert "s3cret-1" not in str(caught.value)
    found = read_requirement_lines(["-i https://me:${INDEX_TOKEN}@host/simple", "a"], folder=Path(), origin="x")
    assert found is not None
    assert "s3cret-1" in found.options[0].value
