"""The parts of one requirement, as pip takes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.errors import InvalidEnvironment
from conda_docker.pypi.requirement_text import (
    file_url,
    is_location,
    wheel_name,
    without_extras,
    without_marker,
)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("rich", ("rich", "")),
        ("rich>=1;python_version<'3.12'", ("rich>=1", " ;python_version<'3.12'")),
        ("https://x.org/a;b.whl", ("https://x.org/a;b.whl", "")),
        ("https://x.org/a.whl ; os_name=='nt'", ("https://x.org/a.whl", " ;os_name=='nt'")),
    ],
)
def test_markers(text: str, parts: tuple[str, str]) -> None:
    assert without_marker(text) == parts


def test_extras() -> None:
    assert without_extras("pandas [sql, s3]") == ("pandas", "[sql, s3]")
    assert without_extras("pandas") == ("pandas", "")
    assert without_extras("pandas[<]") == ("pandas[<]", "")


@pytest.mark.parametrize("text", ["https://x.org/a", "./a", "/a", "~/a", "a-1-py3-none-any.whl", "a.tar.gz[x]", "b/c"])
def test_locations(text: str, tmp_path: Path) -> None:
    (tmp_path / "b/c").mkdir(parents=True)
    assert is_location(text, tmp_path)


@pytest.mark.parametrize(
    "text", ["rich", "rich @ https://x.org/a", "rich[x] @ ./a", "b/not-there", "a.b", "b/" + "c" * 300, "b/\0"]
)
def test_names(text: str, tmp_path: Path) -> None:
    assert not is_location(text, tmp_path)


def test_files_have_urls(tmp_path: Path) -> None:
    assert file_url(tmp_path, "x") == tmp_path.as_uri()
    with pytest.raises(InvalidEnvironment, match="x, line 2: there is nothing at"):
        file_url(tmp_path / "none", "x, line 2")


def test_a_wheels_url_names_its_distribution() -> None:
    assert wheel_name("https://x.org/Ruamel.yaml-1%2Blocal-py3-none-any.whl#sha256=0") == "ruamel-yaml"
    assert wheel_name("https://x.org/ruamel.yaml-1.tar.gz") is None
