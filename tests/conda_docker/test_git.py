"""git is started so that it means the folder, runs nothing, and reaches nobody it is not allowed to."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from conda_docker.git import run_git
from python_docker.errors import NotFound

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is missing")


@needs_git
def test_input_and_exit_code_are_passed_on(tmp_path: Path) -> None:
    assert run_git(tmp_path, "init", "--quiet").returncode == 0
    assert run_git(tmp_path, "hash-object", "--stdin", input=b"").stdout.startswith(b"e69de29bb2d1d643")
    assert run_git(tmp_path, "rev-parse", "--verify", "HEAD").returncode != 0


@needs_git
@pytest.mark.parametrize(("protocols", "reached"), [("", False), ("https:ssh", False), ("file", True), (None, True)])
def test_other_repositories_are_reached_by_the_protocols_that_are_named(
    protocols: str | None, reached: bool, tmp_path: Path
) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        run_git(tmp_path / name, "init", "--quiet")
    done = run_git(tmp_path / "one", "ls-remote", str(tmp_path / "other"), protocols=protocols)
    assert (done.returncode == 0) is reached, done.stderr


def test_git_may_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotFound, match="git is not installed"):
        run_git(tmp_path, "version")
