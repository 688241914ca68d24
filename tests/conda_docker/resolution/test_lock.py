"""The exact packages of an environment, for callers who want nothing but these."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from conda_docker.errors import InvalidEnvironment, UnsupportedInput
from conda_docker.resolution.lock import lock
from python_docker.spec.platform import Platform
from tests.conda_docker.channel import SyntheticChannel
from tests.conda_docker.environment.inputs.examples import FOLDER
from tests.conda_docker.resolution.asking import AMD64, write


def test_specs(channel: SyntheticChannel) -> None:
    found = lock(["tool"], channels=[channel.url], platform=AMD64)
    assert [package.name for package in found.packages] == ["library", "tool"]


def test_the_platform(channel: SyntheticChannel) -> None:
    found = lock(["tool"], channels=[channel.url], platform=Platform.parse("linux/arm64"))
    assert (found.subdir, found.packages[-1].build) == ("linux-aarch64", "arm")


def test_explicit_list(tmp_path: Path) -> None:
    file = write(tmp_path / "list.txt", "@EXPLICIT\nhttps://host/c/linux-aarch64/a-1-0.conda\n")
    assert lock(file=file).subdir == "linux-aarch64"
    with pytest.raises(InvalidEnvironment, match="linux-64 was asked for"):
        lock(file=file, platform=AMD64)
    with pytest.raises(InvalidEnvironment, match="nothing can be added to it"):
        lock(["b"], file=file)


def test_prefix(prefix: Path) -> None:
    assert [package.name for package in lock(prefix=prefix).packages] == ["a"]
    assert lock(prefix="~/.conda/envs/mine").name == "mine"


def test_name(prefix: Path) -> None:
    assert lock(name="mine").packages == lock(prefix=prefix).packages


def test_platforms_without_conda_packages() -> None:
    with pytest.raises(UnsupportedInput, match="Linux images only"):
        lock(["a"], platform=Platform.parse("windows/amd64"))


def test_exact_lists_and_prefixes_need_no_solver(prefix: Path, tmp_path: Path) -> None:
    """What starts up for them is counted in milliseconds."""
    file = write(tmp_path / "list.txt", "@EXPLICIT\nhttps://host/c/linux-64/a-1-0.conda\n")
    code = (
        "import sys\nfrom conda_docker import lock\n"
        f"lock(file={str(file)!r}), lock(prefix={str(prefix)!r}), lock(name='mine')\n"
        "print([name for name in ('rattler', 'yaml', 'asyncio', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_lock_is_for_one_platform() -> None:
    with pytest.raises(ValueError, match="must be one platform"):
        lock("numpy", platform="linux/amd64,linux/arm64")


def test_lock_files_are_read_with_their_choices() -> None:
    found = lock(file=FOLDER / "v5.pixi.lock", environment="docs", platform="linux/amd64")
    assert [package.name for package in found.packages] == ["tzdata"]
    found = lock(file=FOLDER / "conda-lock.yml", categories=["docs"], platform="linux/amd64")
    assert [package.name for package in found.packages] == ["tzdata", "sphinx"]


def test_a_lock_file_that_needs_a_newer_glibc() -> None:
    with pytest.raises(InvalidEnvironment, match=r"needs glibc 2\.28 or later \(for its platform\)"):
        lock(file=FOLDER / "v7.pixi.lock", platform="linux/amd64", virtual_packages=["__glibc=2.17"])
