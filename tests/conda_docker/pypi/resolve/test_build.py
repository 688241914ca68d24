from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from conda_docker.environment.locked import LockedEnvironment
from conda_docker.environment.packages.wheels import LockedWheel, PipRequirements
from conda_docker.errors import BuildFailed, UnsupportedInput
from conda_docker.pypi.resolve.resolution import PipOptions
from conda_docker.pypi.resolve.resolve import resolve_wheels
from conda_docker.pypi.wheel.archive import open_wheel
from tests.conda_docker.pypi.conftest import conda_package
from tests.conda_docker.pypi.oracle import PYTHON
from tests.damage import flip_a_bit

# A backend that needs nothing from any index. Each build leaves a line in a file, which tells how often it ran.
BACKEND = """
import os, zipfile
def _write(folder, name, tag):
    info = f"{name}-1.0.dist-info"
    file = f"{name}-1.0-{tag}.whl"
    with zipfile.ZipFile(os.path.join(folder, file), "w") as wheel:
        for path, text in (
            (f"{name}.py", f"epoch = {os.environ.get('SOURCE_DATE_EPOCH')}\\n"),
            (f"{info}/METADATA", f"Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\n"),
            (f"{info}/WHEEL", f"Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: {tag}\\n"),
            (f"{info}/RECORD", ""),
        ):
            wheel.writestr(zipfile.ZipInfo(path), text)
    return file
def build_wheel(folder, config_settings=None, metadata_directory=None):
    if os.environ.get("SOURCE_DATE_EPOCH"):
        with open(LOG, "a") as log:
            log.write("built\\n")
    FAIL
    return _write(folder, "srcpkg", TAG)
"""


def write_source(folder: Path, *, tag: str = "py3-none-any", fail: str = "pass") -> Path:
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "srcpkg"\nversion = "1.0"\n'
    )
    log = folder.with_name("builds.txt")
    backend = BACKEND.replace("FAIL", fail)
    (folder / "backend.py").write_text(f"LOG = {str(log)!r}\nTAG = {tag!r}\n{backend}")
    return log


def resolve(tmp_path: Path, requirement: str, python: str = f"{PYTHON}.0", *, offline: bool = True) -> LockedWheel:
    pip = PipRequirements(requirements=(requirement,), folder=tmp_path, origin="environment.yml")
    environment = LockedEnvironment("linux-64", (conda_package("python", python, "h0_0_cpython"),), pip=pip)
    allowed = PipOptions(allow_sdist=True)
    [wheel] = resolve_wheels(
        environment, cache_dir=tmp_path / "cache", glibc="2.36", offline=offline, options=allowed
    ).wheels
    return wheel


@pytest.mark.usefixtures("wheels")
@pytest.mark.parametrize("written", ["-e ./source", "./source"])
def test_a_folder_is_built_once_until_it_changes(tmp_path: Path, written: str) -> None:
    log = write_source(tmp_path / "source")
    wheel = resolve(tmp_path, written)
    assert (wheel.name, wheel.version, wheel.requested, wheel.direct) == ("srcpkg", "1.0", True, True)
    assert wheel.source is not None
    assert wheel.sha256 == hashlib.sha256(wheel.source.read_bytes()).hexdigest()
    assert wheel.source.is_relative_to(tmp_path / "cache")
    assert resolve(tmp_path, written) == wheel
    assert log.read_text() == "built\n"
    (tmp_path / "source" / "more.py").write_text("")
    resolve(tmp_path, written)
    assert log.read_text() == "built\nbuilt\n"


@pytest.mark.usefixtures("wheels")
def test_nothing_is_left_in_the_folder_for_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """uv leaves a lock there for each source tree that setuptools builds."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr("tempfile.tempdir", None)
    write_source(tmp_path / "source")
    (tmp_path / "source/setuptools").mkdir()
    (tmp_path / "source/backend.py").rename(tmp_path / "source/setuptools/build_meta.py")
    declared = tmp_path / "source/pyproject.toml"
    declared.write_text(declared.read_text().replace('"backend"', '"setuptools.build_meta"'))
    assert resolve(tmp_path, "./source").name == "srcpkg"
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.usefixtures("wheels")
def test_a_wheel_that_was_damaged_in_the_cache_is_built_again(tmp_path: Path) -> None:
    log = write_source(tmp_path / "source")
    wheel = resolve(tmp_path, "./source")
    assert wheel.source is not None
    flip_a_bit(wheel.source)
    assert resolve(tmp_path, "./source") == wheel
    assert hashlib.sha256(wheel.source.read_bytes()).hexdigest() == wheel.sha256
    assert log.read_text() == "built\nbuilt\n"


@pytest.mark.usefixtures("wheels")
def test_a_source_distribution_is_built_with_a_fixed_time(tmp_path: Path) -> None:
    write_source(tmp_path / "srcpkg-1.0")
    (tmp_path / "srcpkg-1.0" / "PKG-INFO").write_text("Metadata-Version: 2.2\nName: srcpkg\nVersion: 1.0\n")
    with tarfile.open(tmp_path / "wheels" / "srcpkg-1.0.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "srcpkg-1.0", "srcpkg-1.0")
    wheel = resolve(tmp_path, "srcpkg")
    assert wheel.source is not None
    opened = open_wheel(wheel.source)
    with opened.reading() as reader:
        assert reader.read(opened.members["srcpkg.py"]) == b"epoch = 315532800\n"
    assert (wheel.requested, wheel.direct) == (True, False)


@pytest.mark.usefixtures("wheels")
@pytest.mark.skipif(sys.platform != "linux", reason="what is built here is for Linux")
def test_compiled_code_for_another_image_is_refused(tmp_path: Path) -> None:
    write_source(tmp_path / "source", tag="cp311-cp311-win_amd64")
    with pytest.raises(UnsupportedInput, match="srcpkg has compiled code"):
        resolve(tmp_path, "./source")


@pytest.mark.usefixtures("wheels")
def test_a_build_that_fails_ends_in_what_it_said(tmp_path: Path) -> None:
    write_source(
        tmp_path / "source",
        fail="if os.environ.get('SOURCE_DATE_EPOCH'): raise SystemExit('no compiler at https://me:secret@host/x')",
    )
    with pytest.raises(BuildFailed, match=r"(?s)srcpkg cannot be built from source.*no compiler") as caught:
        resolve(tmp_path, "./source")
    assert "secret" not in str(caught.value)
    assert not list((tmp_path / "cache").rglob("*.whl"))


def git(folder: Path, *arguments: str) -> None:
    environ = {"HOME": str(folder), "PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1"}
    names = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.com", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *names, *arguments], cwd=folder, env=environ, check=True, capture_output=True)


@pytest.mark.usefixtures("wheels")
@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_commit_of_a_repository_is_built_once(tmp_path: Path) -> None:
    log = write_source(tmp_path / "repository" / "python")
    git(tmp_path / "repository", "init", "-q")
    git(tmp_path / "repository", "add", ".")
    git(tmp_path / "repository", "commit", "-q", "-m", "First")
    location = f"git+{(tmp_path / 'repository').as_uri()}@main#subdirectory=python"
    wheel = resolve(tmp_path, f"srcpkg @ {location}", offline=False)
    assert (wheel.name, wheel.requested, wheel.direct) == ("srcpkg", True, True)
    assert resolve(tmp_path, f"srcpkg @ {location}", offline=False) == wheel
    assert (log.parent / "builds.txt").read_text() == "built\n"
