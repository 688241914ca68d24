"""A project is built from a copy of its folder, which holds its sources and nothing that tools leave behind."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from conda_docker.errors import BuildFailed
from conda_docker.pypi.resolve.source_tree import copy_tree, tree_digest


def put(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


def copied(folder: Path, scratch: Path) -> list[str]:
    copy = copy_tree(folder, scratch)
    return sorted(path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file())


SOURCES = ("app/__init__.py", "app/build/__init__.py", "pyproject.toml")


@pytest.mark.parametrize(
    "left",
    ["build/lib/app/old.py", "dist/app.whl", "app.egg-info/SOURCES.txt", "app/__pycache__/x.pyc", ".venv/bin/x"],
)
def test_what_tools_leave_behind_does_not_count(tmp_path: Path, left: str) -> None:
    folder = put(tmp_path / "project", *SOURCES)
    before = tree_digest(folder)
    put(folder, left)
    assert tree_digest(folder) == before
    assert copied(folder, tmp_path / "scratch") == sorted(SOURCES)


def test_an_environment_of_any_name_does_not_count(tmp_path: Path) -> None:
    folder = put(tmp_path / "project", *SOURCES, "mine/pyvenv.cfg", "mine/bin/python")
    assert copied(folder, tmp_path / "scratch") == sorted(SOURCES)


def test_a_package_may_be_called_build(tmp_path: Path) -> None:
    folder = put(tmp_path / "project", "build/__init__.py", "src/dist/data.txt")
    assert copied(folder, tmp_path / "scratch") == ["build/__init__.py", "src/dist/data.txt"]


def test_modes_do_not_depend_on_the_umask(tmp_path: Path) -> None:
    folder = put(tmp_path / "project", "run", "text")
    (folder / "run").chmod(0o700)
    (folder / "text").chmod(0o600)
    copy = copy_tree(folder, tmp_path / "scratch")
    assert [(copy / name).stat().st_mode & 0o777 for name in ("run", "text")] == [0o755, 0o644]


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    put(tmp_path, "README.md", "shared/x.py")
    folder = put(tmp_path / "project", "app.py")
    (folder / "README.md").symlink_to("../README.md")
    (folder / "shared").symlink_to("../shared")
    (folder / "around").symlink_to(".")
    (folder / "nowhere").symlink_to("gone")
    assert copied(folder, tmp_path / "scratch") == ["README.md", "app.py", "shared/x.py"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read every file")
def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    folder = put(tmp_path / "project", "app.py")
    (folder / "app.py").chmod(0)
    with pytest.raises(BuildFailed, match=r"cannot read .*app\.py"):
        tree_digest(folder)


def git(folder: Path, *arguments: str) -> str:
    environ = {"HOME": str(folder), "PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1"}
    names = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.com", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *names, *arguments], cwd=folder, env=environ, check=True, capture_output=True)
    return done.stdout.decode().strip()


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@pytest.mark.parametrize("below", ["", "python/app"])
def test_backends_that_take_the_version_from_git_find_it(tmp_path: Path, below: str) -> None:
    top = put(tmp_path / "repository", "elsewhere/x", ".gitignore")
    put(top / below, "app.py", "dist/kept.txt")
    git(top, "init", "-q")
    git(top, "add", "-f", ".")
    git(top, "commit", "-q", "-m", "First")
    git(top, "tag", "v1.2")
    before = tree_digest(top / below)
    copy = copy_tree(top / below, tmp_path / "scratch")
    assert git(copy, "describe", "--tags", "--dirty") == "v1.2"
    assert git(copy, "rev-parse", "--show-prefix").rstrip("/") == below
    (top / below / "app.py").write_text("changed")
    assert git(copy_tree(top / below, tmp_path / "other"), "describe", "--tags", "--dirty") == "v1.2-dirty"
    (top / below / "app.py").write_text("app.py")
    git(top, "tag", "-d", "v1.2")
    assert tree_digest(top / below) != before


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_build_in_a_hook_leaves_the_index_of_the_user_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    top = put(tmp_path / "repository", "app.py", ".tox/left.txt")
    git(top, "init", "-q")
    git(top, "add", "-f", ".")
    git(top, "commit", "-q", "-m", "First")
    index = top / ".git/index"
    before = index.read_bytes()
    # As git sets them for a hook.
    monkeypatch.setenv("GIT_DIR", str(top / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(index))
    copy = copy_tree(top, tmp_path / "scratch")
    assert index.read_bytes() == before
    assert git(copy, "ls-files", "-v").split("\n") == ["S .tox/left.txt", "H app.py"]


def test_a_checkout_where_there_is_no_git_is_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "app", "app.py", ".git/HEAD")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tree_digest(tmp_path / "app")
    assert copied(tmp_path / "app", tmp_path / "scratch") == ["app.py"]
