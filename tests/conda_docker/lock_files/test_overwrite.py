"""A lock file replaces one of its own form, and nothing else without being told to."""

from __future__ import annotations

from pathlib import Path

import pytest

from conda_docker.errors import InvalidEnvironment
from conda_docker.lock_files.overwrite import check_replaceable

CONDA_LOCK = "version: 1\nmetadata: {}\npackage: []\n"
PIXI = "version: 6\nenvironments:\n  default: {channels: [], packages: {}}\n  test: {}\npackages: []\n"


def test_what_is_not_there_is_replaceable(tmp_path: Path) -> None:
    check_replaceable(tmp_path / "none", "pixi", "default", [tmp_path / "other"])


def test_what_is_to_be_locked_is_not_replaced(tmp_path: Path) -> None:
    file = tmp_path / "environment.yml"
    file.write_text("dependencies: []")
    with pytest.raises(InvalidEnvironment, match="is what is to be locked; name another file"):
        check_replaceable(tmp_path / "." / "environment.yml", "conda-lock", "default", [tmp_path / "none", file])


def test_what_is_no_regular_file_is_written_to() -> None:
    check_replaceable(Path("/dev/null"), "pixi", "default", [])


@pytest.mark.parametrize(
    ("form", "text", "message"),
    [
        ("conda-docker", CONDA_LOCK, "is not a lock file of conda-docker"),
        ("conda-lock", "dependencies: [a]\n", "is not "),
        ("conda-lock", CONDA_LOCK, None),
        ("pixi", "dependencies: [a]\n", "is not "),
        ("pixi", PIXI, "has other environments: test"),
        ("pixi", PIXI.replace("  test: {}\n", ""), None),
    ],
)
def test_files_of_other_kinds(form: str, text: str, message: str | None, tmp_path: Path) -> None:
    file = tmp_path / {"pixi": "pixi.lock", "conda-lock": "conda-lock.yml"}.get(form, "a.lock")
    file.write_text(text)
    if message is None:
        check_replaceable(file, form, "default", [])
        return
    with pytest.raises(InvalidEnvironment, match=f"{message}.*; name another file with -o, or replace it with --force"):
        check_replaceable(file, form, "default", [])
