from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.environment.wheels import PipRequirements
from conda_docker.errors import InvalidEnvironment, UnsupportedInput
from conda_docker.pypi.requirements import Requirements, read_requirements
from tests.conda_docker.pypi.wheels import make_wheel


def read(*lines: str, folder: Path | None = None, **environ: str) -> Requirements:
    return read_requirements(PipRequirements(requirements=lines, folder=folder, origin="environment.yml"), environ)


def test_versions_extras_markers_and_comments() -> None:
    found = read("Flask[async]>=3  # web", "", "# nothing", "pywin32; sys_platform == 'win32'")
    assert found.lines == ["Flask[async]>=3", "pywin32; sys_platform == 'win32'"]
    assert found.named == {"flask", "pywin32"}
    assert not found.direct
    assert not found.sources


def test_a_local_wheel_becomes_a_url(tmp_path: Path) -> None:
    path = make_wheel(tmp_path, "My-App")
    found = read(f"./{path.name}[extra]", folder=tmp_path)
    assert found.lines == [f"my-app[extra] @ {path.as_uri()}"]
    assert found.named == found.direct == {"my-app"}


@pytest.mark.parametrize("form", ["{url}", "six @ {url}", "six --hash=sha256:{digest}"])
def test_hashes_are_known_by_name(form: str) -> None:
    digest = "0A" * 32
    url = f"https://example.com/six-1.17.0-py2.py3-none-any.whl#sha256={digest}"
    assert read(form.format(url=url, digest=digest)).hashes == {"six": frozenset({digest.lower()})}


def test_hashes_that_cannot_be_checked_are_refused() -> None:
    with pytest.raises(UnsupportedInput, match="only SHA-256 hashes"):
        read("six --hash=md5:0")


def test_a_path_behind_a_name_becomes_a_url(tmp_path: Path) -> None:
    path = make_wheel(tmp_path, "My-App")
    assert read(f"My-App @ ./{path.name}", folder=tmp_path).lines == [f"My-App @ {path.as_uri()}"]


def test_a_url_of_a_wheel_is_direct() -> None:
    url = "https://example.com/six-1.17.0-py2.py3-none-any.whl"
    assert read(url).lines == [f"six @ {url}"]
    assert read(f"six @ {url}").direct == {"six"}


@pytest.mark.parametrize(
    "line", ["git+https://example.com/a.git@main", "https://example.com/a-1.0.tar.gz", "a @ git+ssh://example.com/a"]
)
def test_sources_are_recognized(line: str) -> None:
    assert read(line).sources == [line]


def test_files_that_are_included_are_read_from_their_own_folders(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "requirements.txt").write_text("six\n-r sub/more.txt\n--no-index\n")
    (tmp_path / "sub" / "more.txt").write_text("-f wheels\nflask \\\n  >=3\n-c limits.txt\n-r ../requirements.txt\n")
    (tmp_path / "sub" / "limits.txt").write_text("flask<4 # not yet\n")
    found = read("-r requirements.txt", folder=tmp_path)
    assert found.lines == ["six", "flask   >=3"]
    assert found.constraints == ["flask<4"]
    assert found.options == {"find-links": (str(tmp_path / "sub" / "wheels"),), "no-index": ("",)}


def test_options_are_read_in_every_spelling() -> None:
    found = read("-i https://a", "--extra-index-url=https://b", "--extra-index-url https://c --pre", "--prefer-binary")
    assert found.options == {"index-url": ("https://a",), "extra-index-url": ("https://b", "https://c"), "pre": ("",)}


def test_variables_are_replaced_from_the_environment() -> None:
    assert read("--index-url https://${TOKEN}@host/simple", TOKEN="t").options == {
        "index-url": ("https://t@host/simple",)
    }


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("flask >> 3", "environment.yml, pip requirement 1: not a requirement: 'flask >> 3'"),
        ("!!", "not a requirement"),
        ("-r missing.txt", "cannot read .*missing.txt"),
        ("./missing-1.0-py3-none-any.whl", "there is nothing at"),
        ("-e ./missing", "there is nothing at"),
        ("--index-url", "needs a value"),
    ],
)
def test_lines_that_cannot_be_read_are_named(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(InvalidEnvironment, match=message):
        read(line, folder=tmp_path)


def test_a_line_of_an_included_file_is_named_with_its_number(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("six\n\nflask >> 3\n")
    with pytest.raises(InvalidEnvironment, match=r"requirements\.txt, line 3: not a requirement"):
        read("-r requirements.txt", folder=tmp_path)


def test_an_option_that_means_nothing_for_an_image_is_refused() -> None:
    with pytest.raises(UnsupportedInput, match="--target does not apply to images"):
        read("--target /x")


def test_no_message_shows_a_login() -> None:
    with pytest.raises(InvalidEnvironment) as caught:
        read("x y https://me:secret@host/")
    assert "secret" not in str(caught.value)
