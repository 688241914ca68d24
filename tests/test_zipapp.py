"""The program and all it needs as one file (`make zipapp`)."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from python_docker import __version__
from python_docker.transports import open_image
from tests.archives import only_linux
from tests.images import layer_tar, write_oci_layout

ROOT = Path(__file__).resolve().parents[1]


def needed(requirements: Iterable[str], seen: set[str]) -> Iterator[importlib.metadata.Distribution]:
    """Give what is required, and what that requires, as it is installed here."""
    for text in requirements:
        requirement = re.match(r"[\w.-]+", text)
        if requirement is None or "extra ==" in text or requirement[0] in seen:
            continue
        seen.add(requirement[0])
        try:
            distribution = importlib.metadata.distribution(requirement[0])
        except importlib.metadata.PackageNotFoundError:
            continue  # for other systems or versions of Python
        yield distribution
        yield from needed(distribution.requires or (), seen)


@pytest.fixture(scope="module")
def zipapp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file, made by the recipe from what is installed here, so that nothing is downloaded."""
    folder = tmp_path_factory.mktemp("zipapp")
    site = folder / "site-packages"
    for package in ("python_docker", "conda_docker", "docker_envs"):
        shutil.copytree(ROOT / "src" / package, site / package, ignore=shutil.ignore_patterns("__pycache__"))
    requirements = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    for distribution in needed(requirements, set()):
        for file in distribution.files or ():
            if ".." not in file.parts and "__pycache__" not in file.parts:
                (site / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(distribution.locate_file(file)), site / file)
    output = folder / "conda-docker.pyz"
    command: list[str | Path] = [
        ROOT / "scripts/make-zipapp",
        sys.executable,
        output,
        "--site-packages",
        site,
        "--uncompressed",
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    shutil.rmtree(site)
    return output


def run(
    zipapp: Path, root: Path, *args: str, cwd: Path | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    # Isolated, so that what is installed here cannot be found.
    command: list[str | Path] = [sys.executable, "-I", "-S", zipapp, *args]
    environment = {"SHIV_ROOT": str(root), "HOME": str(root)}
    return subprocess.run(
        command,
        cwd=cwd,
        env=environment if env is None else env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_it_can_be_executed(zipapp: Path) -> None:
    assert zipapp.stat().st_mode & 0o111
    with zipapp.open("rb") as file:
        assert file.readline() == b"#!/usr/bin/env python3\n"


def test_first_runs_at_once_all_work(zipapp: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: run(zipapp, tmp_path, "--version"), range(4)))
    assert {(result.returncode, result.stdout) for result in results} == {(0, f"conda-docker {__version__}\n")}
    assert len([path for path in tmp_path.iterdir() if not path.name.startswith(".")]) == 1


def test_it_copies_an_image_with_its_compiled_modules(zipapp: Path, tmp_path: Path) -> None:
    digest = write_oci_layout(tmp_path / "layout", [layer_tar({"etc/x": b"x"})])
    copied = run(zipapp, tmp_path / "root", "copy", "-q", "oci:layout", "oci:copy", cwd=tmp_path)
    assert (copied.returncode, copied.stdout, copied.stderr) == (0, f"{digest}\n", "")
    packed = run(zipapp, tmp_path / "root", "copy", "--compression", "zstd", "oci:layout", "oci:zstd", cwd=tmp_path)
    assert packed.returncode == 0
    assert open_image(f"oci:{tmp_path}/zstd").list_files() == ["etc", "etc/x"]


def test_another_version_of_python_is_refused(zipapp: Path, tmp_path: Path) -> None:
    assert run(zipapp, tmp_path, "--version").returncode == 0
    [extracted] = [path for path in tmp_path.iterdir() if not path.name.startswith(".")]
    for module in extracted.rglob("isal_zlib*.so"):
        module.rename(module.with_name("isal_zlib.cpython-399-other.so"))
    result = run(zipapp, tmp_path, "--version")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("error: this file was made for another version of Python")
    assert result.stderr.count("\n") == 1


@only_linux
def test_without_a_home_it_is_unpacked_to_a_private_temporary_folder(zipapp: Path, tmp_path: Path) -> None:
    # Nobody can make a folder there, not even the superuser.
    env = {"HOME": "/proc/nobody", "TMPDIR": str(tmp_path)}
    result = run(zipapp, tmp_path, "--version", env=env)
    assert (result.returncode, result.stdout) == (0, f"conda-docker {__version__}\n")
    folder = tmp_path / f"conda-docker-{os.getuid()}"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert result.stderr == (
        "warning: /proc/nobody/.cache/conda-docker/zipapp cannot be written; this program is unpacked to "
        f"{folder}/zipapp (SHIV_ROOT chooses another folder)\n"
    )


@only_linux
@pytest.mark.parametrize("kind", ["chosen", "open to others"])
def test_a_folder_that_does_not_serve_is_one_error(zipapp: Path, tmp_path: Path, kind: str) -> None:
    env = {"HOME": "/proc/nobody", "TMPDIR": str(tmp_path)}
    if kind == "chosen":
        env["SHIV_ROOT"] = "/proc/nobody/zipapp"
    else:
        (tmp_path / f"conda-docker-{os.getuid()}").mkdir()
        (tmp_path / f"conda-docker-{os.getuid()}").chmod(0o777)
    result = run(zipapp, tmp_path, "--version", env=env)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("error: this program cannot be unpacked to /proc/nobody/")
    assert "choose a folder with the environment variable SHIV_ROOT" in result.stderr
    assert result.stderr.count("\n") == 1
