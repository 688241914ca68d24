"""What is released: an archive of the sources that can be worked with, and a wheel."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOT_RELEASED = {".gitignore"}
"""What hatchling adds by itself or what only a checkout needs."""


def build(kind: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    [made] = folder.iterdir()
    return made


def tracked() -> set[str]:
    """The files of the repository; a test of a checkout."""
    try:
        listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a checkout")
    return {name for name in listed.stdout.splitlines() if (ROOT / name).is_file()}


def test_the_source_archive_has_everything_that_the_repository_has(tmp_path: Path) -> None:
    with tarfile.open(build("sdist", tmp_path)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert tracked() - names - NOT_RELEASED == set()


def test_the_wheel_has_the_packages_with_their_types_and_nothing_else(tmp_path: Path) -> None:
    with zipfile.ZipFile(build("wheel", tmp_path)) as archive:
        names = archive.namelist()
    top = {name.split("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == {"conda_docker", "docker_envs", "python_docker"}
    assert {"conda_docker/py.typed", "python_docker/py.typed"} <= set(names)


def test_make_clean_leaves_nothing_that_the_tasks_made(tmp_path: Path) -> None:
    for ignored in (ROOT / ".gitignore").read_text().split():
        name = ignored.strip("/").replace("*.py[co]", "x.pyc").replace("*", "x")
        folder = tmp_path / ("src/package/__pycache__" if name.endswith(".pyc") else name)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "made").touch()
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text())
    subprocess.run(["make", "clean"], cwd=tmp_path, check=True, capture_output=True, timeout=60)
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if "egg-info" not in str(path)}
    assert left <= {"Makefile", "benchmarks", "src", "src/package"}
