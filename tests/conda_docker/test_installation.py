"""python-docker 0.2 installed over this distribution, and uninstalled again."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import conda_docker
import python_docker
from conda_docker.installation import overwritten
from python_docker.version import __version__

SOURCE = Path(conda_docker.__file__).parents[1]
PYTHON_DOCKER_0_2 = ("__init__.py", "base.py", "docker.py", "registry.py", "schema.py", "tar.py", "utils.py")
"""The files of python-docker 0.2.0."""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a folder where this distribution is installed."""
    for name in ("python_docker", "conda_docker"):
        shutil.copytree(SOURCE / name, tmp_path / "site" / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "site"


def run(site: Path, code: str, *args: str) -> subprocess.CompletedProcess[str]:
    paths = [str(site), *(path for path in sys.path if path and Path(path) != SOURCE)]
    command = [sys.executable, "-P", "-c", f"import sys; sys.path[:] = {paths!r}; {code}", *args]
    return subprocess.run(command, cwd=site, capture_output=True, text=True, timeout=60, check=False)


def install_over(site: Path) -> None:
    for name in PYTHON_DOCKER_0_2:
        (site / "python_docker" / name).write_text('__version__ = "0.2.0"\n')


def uninstall(site: Path) -> None:
    for name in PYTHON_DOCKER_0_2:
        (site / "python_docker" / name).unlink()


def test_a_whole_installation_has_one_version() -> None:
    pyproject = tomllib.loads((SOURCE.parent / "pyproject.toml").read_text())
    assert {pyproject["project"]["version"], python_docker.__version__, conda_docker.__version__} == {__version__}
    assert overwritten() is None


@pytest.mark.parametrize("removed", [False, True])
def test_the_program_goes_on_working_and_says_what_happened(site: Path, removed: bool) -> None:
    install_over(site)
    if removed:
        uninstall(site)
    (site / "hello.txt").write_text("hello")
    main = "from conda_docker.cli import main; main()"
    built = run(site, main, "inspect", "hello.txt")
    assert "not an image" in built.stderr
    cached = run(site, main, "cache", "path", "--cache-dir", "c")
    assert (cached.returncode, cached.stdout) == (0, "c\n")
    assert cached.stderr.count("\n") == 1
    assert cached.stderr.startswith(f"warning: some files of python_docker are not those of conda-docker {__version__}")
    assert "pip install --force-reinstall --no-deps conda-docker" in cached.stderr
    assert run(site, main, "--version").stdout == f"conda-docker {__version__}\n"


def test_an_import_warns(site: Path) -> None:
    install_over(site)
    result = run(site, "from conda_docker import create_image; print(create_image.__name__)")
    assert result.stdout == "create_image\n"
    assert "RuntimeWarning: some files of python_docker" in result.stderr
    assert "python-docker 0.2.0 was installed over them" in result.stderr
