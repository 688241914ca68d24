from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.environment.packages.wheels import PipOption, PipRequirements
from conda_docker.errors import InvalidEnvironment, UnsupportedInput
from conda_docker.pypi.requirements import Requirements, read_requirements
from tests.conda_docker.pypi.wheels import make_wheel


def read(*lines: str, folder: Path | None = None, options: tuple[PipOption, ...] = ()) -> Requirements:
    return read_requirements(
        PipRequirements(requirements=lines, options=options, folder=folder, origin="environment.yml")
    )


def test_versions_extras_and_markers() -> None:
    found = read("Flask[async]>=3", "pywin32; sys_platform == 'win32'")
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


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("flask >> 3", "environment.yml, pip requirement 1: not a requirement: 'flask >> 3'"),
        ("!!", "not a requirement"),
        ("a @ https://example.com/a.whl\r--index-url https://example.org/a.whl", "not a requirement"),
        ("a @ https://example.com/a.whl\u2028--pre .whl", "not a requirement"),
        ("./missing-1.0-py3-none-any.whl", "there is nothing at"),
        ("-e ./missing", "there is nothing at"),
    ],
)
def test_lines_that_cannot_be_read_are_named(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(InvalidEnvironment, match=message):
        read(line, folder=tmp_path)


def test_no_message_shows_a_login() -> None:
    with pytest.raises(InvalidEnvironment) as caught:
        read("x y https://me:secret@host/")
    assert "secret" not in str(caught.value)


def test_options_are_kept_by_name(tmp_path: Path) -> None:
    options = [
        ("extra-index-url", "https://b"),
        ("extra-index-url", "https://c"),
        ("pre", ""),
        ("find-links", "wheels"),
    ]
    found = read("six", folder=tmp_path, options=tuple(PipOption(*option) for option in options))
    assert found.options == {
        "extra-index-url": ("https://b", "https://c"),
        "pre": ("",),
        "find-links": (str(tmp_path / "wheels"),),
    }


def test_what_may_not_be_a_wheel_is_built() -> None:
    options = (PipOption("no-binary", "six,flask"), PipOption("only-binary", ":all:"))
    found = read("six", options=options)
    assert found.options == {"no-binary": ("six", "flask"), "only-binary": (":all:",)}
    assert "no-binary" not in read("six", options=(*options, PipOption("no-binary", ":none:"))).options
    with pytest.raises(UnsupportedInput, match="--no-binary :all: is not supported"):
        read("six", options=(PipOption("no-binary", ":all:"),))


def test_every_package_may_need_a_hash() -> None:
    assert read("six", options=(PipOption("require-hashes"),)).requires_hashes
    assert read("six --hash=sha256:" + "0" * 64).requires_hashes
    assert not read("six").requires_hashes
