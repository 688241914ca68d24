"""Digests of what describes an environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker import Request
from conda_docker.baking.targets.content import content_of


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return an environment.yml that names a requirements file."""
    (tmp_path / "requirements.txt").write_text("flask\n")
    (tmp_path / "environment.yml").write_text("dependencies:\n- python\n- pip:\n  - -r requirements.txt\n")
    return tmp_path / "environment.yml"


def test_all_that_is_asked_for_counts(file: Path) -> None:
    request = Request(files=(file,))
    before = content_of(request)
    assert before == content_of(Request(files=(file,), base="scratch"))
    assert before != content_of(Request(files=(file,), specs=("python=3.12",)))
    (file.parent / "requirements.txt").write_text("flask<4\n")
    assert before != content_of(request)


def test_line_ends_do_not_count(file: Path) -> None:
    before = content_of(Request(files=(file,)))
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert content_of(Request(files=(file,))) == before


def test_a_file_that_cannot_be_used_has_one_all_the_same(file: Path) -> None:
    file.write_text("dependencies: [")
    assert len(content_of(Request(files=(file,)))) == 16


def test_an_environment_of_this_machine_has_none() -> None:
    with pytest.raises(ValueError, match="this environment is a folder"):
        content_of(Request(name="base"))
