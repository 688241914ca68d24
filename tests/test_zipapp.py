"""The program and all it needs as one file (`make zipapp`)."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from python_docker import __version__
from python_docker.transports import open_image
from tests.archives import only_linux
from tests.conda_docker.packages import SyntheticPackage
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


@only_linux
def test_its_first_run_builds(zipapp: Path, tmp_path: Path) -> None:
    # What is unpacked is where the cache will be.
    package = SyntheticPackage(name="a", files={"share/a": b"a"}).write(tmp_path, ".conda")
    (tmp_path / "explicit.txt").write_text(f"@EXPLICIT\n{package.as_uri()}\n")
    command = ("build", "-q", "-b", "scratch", "-f", "explicit.txt", "-o", "a.tar")
    result = run(zipapp, tmp_path, *command, cwd=tmp_path, env={"HOME": str(tmp_path), "TMPDIR": str(tmp_path)})
    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / ".cache/conda-docker/zipapp").is_dir()


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
        "warning: /proc/nobody/.cache/conda-docker/zipapp is not used: it cannot be written (No such file or "
        f"directory); this program is unpacked to {folder}/zipapp (SHIV_ROOT chooses another folder)\n"
    )


def test_later_runs_start_without_what_unpacks(zipapp: Path, tmp_path: Path) -> None:
    def imported() -> str:
        command: list[str | Path] = [sys.executable, "-I", "-S", "-X", "importtime", zipapp, "--version"]
        env = {"SHIV_ROOT": str(tmp_path), "HOME": str(tmp_path)}
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=True).stderr

    assert " _bootstrap" in imported()
    later = imported()
    assert " conda_docker.cli" in later
    assert " _bootstrap" not in later
    assert " subprocess" not in later


def test_under_the_name_of_the_first_release_it_takes_its_commands(zipapp: Path, tmp_path: Path) -> None:
    named = tmp_path / "docker_envs.pyz"
    shutil.copy(zipapp, named)
    for _ in range(2):  # unpacked now, then found
        result = run(named, tmp_path / "root", "build", "-o", "x.tar")
        assert result.returncode == 2
        assert "the following arguments are required: -p/--package" in result.stderr
        assert result.stderr.startswith("usage: docker_envs build")


@only_linux
def test_an_empty_environment_is_enough(zipapp: Path, tmp_path: Path) -> None:
    result = run(zipapp, tmp_path, "--version", env={"TMPDIR": str(tmp_path), "HOME": str(tmp_path)})
    assert (result.returncode, result.stdout, result.stderr) == (0, f"conda-docker {__version__}\n", "")


@only_linux
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can act as other users")
class TestOtherUsers:
    """Files that another user may have planted are not executed."""

    USER = 4711

    def as_user(self, zipapp: Path, home: Path, temporary: Path) -> subprocess.CompletedProcess[str]:
        """Run it as an ordinary user, who can read this test's Python and the file."""
        python = shutil.which("python3", path="/usr/bin:/bin:/usr/local/bin")
        if python is None or not self._same_version(python):
            pytest.skip("there is no Python of this version that other users can run")
        return subprocess.run(
            [python, "-I", "-S", zipapp, "--version"],
            env={"HOME": str(home), "TMPDIR": str(temporary)},
            user=self.USER,
            group=self.USER,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def _same_version(self, python: str) -> bool:
        printed = subprocess.run(
            [python, "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, text=True, check=True
        )
        return printed.stdout.strip() == str(sys.version_info[:2])

    @pytest.fixture
    def public(self, zipapp: Path) -> Iterator[Path]:
        """Return a folder that every user can reach, with the file in it."""
        with tempfile.TemporaryDirectory(prefix="conda-docker-test-", dir="/tmp") as name:
            folder = Path(name)
            folder.chmod(0o755)
            shutil.copy(zipapp, folder / "conda-docker.pyz")
            (folder / "tmp").mkdir()
            (folder / "tmp").chmod(0o1777)
            yield folder

    def home(self, public: Path, *, mode: int = 0o700) -> Path:
        folder = public / "home"
        folder.mkdir()
        os.chown(folder, self.USER, self.USER)
        folder.chmod(mode)
        return folder

    def test_it_runs_as_an_ordinary_user(self, public: Path) -> None:
        home = self.home(public)
        result = self.as_user(public / "conda-docker.pyz", home, public / "tmp")
        assert (result.returncode, result.stdout, result.stderr) == (0, f"conda-docker {__version__}\n", "")
        assert (home / ".cache/conda-docker/zipapp").stat().st_uid == self.USER

    def test_it_runs_with_a_home_that_is_read_only(self, public: Path) -> None:
        result = self.as_user(public / "conda-docker.pyz", self.home(public, mode=0o500), public / "tmp")
        assert (result.returncode, result.stdout) == (0, f"conda-docker {__version__}\n")
        assert "is not used: it cannot be written" in result.stderr
        assert (public / "tmp" / f"conda-docker-{self.USER}").stat().st_mode & 0o777 == 0o700

    def test_root_does_not_run_what_is_in_the_home_of_another(self, public: Path) -> None:
        home = self.home(public)
        result = run(
            public / "conda-docker.pyz", home, "--version", env={"HOME": str(home), "TMPDIR": str(public / "tmp")}
        )
        assert (result.returncode, result.stdout) == (0, f"conda-docker {__version__}\n")
        assert f"others may change {home}" in result.stderr

    def test_a_temporary_folder_of_another_is_refused(self, public: Path) -> None:
        (public / "tmp" / "conda-docker-0").mkdir()
        os.chown(public / "tmp" / "conda-docker-0", self.USER, self.USER)
        env = {"HOME": str(self.home(public)), "TMPDIR": str(public / "tmp")}
        result = run(public / "conda-docker.pyz", public, "--version", env=env)
        assert (result.returncode, result.stdout) == (1, "")
        assert "choose a folder with the environment variable SHIV_ROOT" in result.stderr


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
