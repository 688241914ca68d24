"""Images of lock files: the layers are those of the environment that was locked, and the image makes itself again."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from rattler.lock import LockFile

from conda_docker.build_options import BuildOptions, Bytecode
from conda_docker.environment.locked import LockedEnvironment
from conda_docker.image.assemble import BuildResult, build_image
from conda_docker.provenance.reading import read_environments
from conda_docker.request import Request
from conda_docker.resolution.resolve import resolve
from python_docker.spec.platform import Platform
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.pypi.conftest import wheels
from tests.conda_docker.pypi.wheels import make_wheel

__all__ = ["wheels"]

LINUX = Platform("linux", "amd64")
PACKAGES = (
    SyntheticPackage(name="python", version="3.12.4", depends=("zlib",), files={"bin/python3.12": b"\x7fELF"}),
    SyntheticPackage(name="zlib", version="1.3", timestamp=1_700_000_000_000, files={"lib/libz.so": b"\x7fELF"}),
    SyntheticPackage(name="pure", version="2.0", noarch="python", depends=("python",), build="py_0",
                     files={"site-packages/pure/__init__.py": ""}),
)  # fmt: skip


def pixi_lock(environment: LockedEnvironment) -> str:
    """Return a pixi.lock of version 6."""
    selectors = [f"      - conda: {package.url}\n" for package in environment.packages]
    selectors += [f"      - pypi: {wheel.url}\n" for wheel in environment.wheels]
    descriptions = [
        f"- conda: {package.url}\n  subdir: {package.subdir}\n  sha256: {package.sha256}\n  size: {package.size}\n"
        + "".join(["  depends:\n", *(f"  - {need}\n" for need in package.depends)] if package.depends else [])
        + (f"  timestamp: {package.timestamp}\n" if package.timestamp else "")
        for package in environment.packages
    ]
    descriptions += [
        f"- pypi: {wheel.url}\n  name: {wheel.name}\n  version: '{wheel.version}'\n  sha256: {wheel.sha256}\n"
        for wheel in environment.wheels
    ]
    return (
        f"version: 6\nenvironments:\n  default:\n    channels:\n    - url: {environment.channels[0]}\n"
        f"    packages:\n      linux-64:\n{''.join(selectors)}packages:\n{''.join(descriptions)}"
    )


def conda_lock(environment: LockedEnvironment) -> str:
    """Return a conda-lock.yml."""
    entry = (
        "- name: {}\n  version: '{}'\n  manager: {}\n  platform: linux-64\n  url: {}\n"
        "  hash: {{sha256: {}}}\n  category: main\n"
    )
    entries = [
        entry.format(package.name, package.version, manager, package.url, package.sha256)
        for manager, listed in (("conda", environment.packages), ("pip", environment.wheels))
        for package in listed
    ]
    return f"version: 1\nmetadata:\n  platforms: [linux-64]\n  channels: []\npackage:\n{''.join(entries)}"


@pytest.fixture
def options(tmp_path: Path) -> BuildOptions:
    return BuildOptions(cache_dir=tmp_path / "cache", bytecode=Bytecode.NEVER, offline=True)


@pytest.fixture
def environment(
    synthetic_channel: SyntheticChannel, tmp_path: Path, wheels: Path, options: BuildOptions
) -> LockedEnvironment:
    """Return an environment with conda packages and two wheels."""
    synthetic_channel.add(*PACKAGES)
    make_wheel(wheels, "app", requires=["library"])
    make_wheel(wheels, "library")
    file = tmp_path / "environment.yml"
    file.write_text(f"channels: [{synthetic_channel.url}, nodefaults]\ndependencies: [pure, python, pip: [app]]\n")
    [resolved] = resolve(Request(files=(file,), platforms=(LINUX,), base="scratch", options=options))
    return resolved.environment


def built(file: Path, options: BuildOptions) -> BuildResult:
    [resolved] = resolve(Request(files=(file,), platforms=(LINUX,), base="scratch", options=options))
    return build_image(resolved.environment, resolved.base, options)


@pytest.mark.parametrize(("name", "write"), [("pixi.lock", pixi_lock), ("conda-lock.yml", conda_lock)])
def test_images_of_lock_files(
    name: str,
    write: Callable[[LockedEnvironment], str],
    environment: LockedEnvironment,
    options: BuildOptions,
    tmp_path: Path,
) -> None:
    file = tmp_path / name
    file.write_text(write(environment))
    first = built(file, options)
    original = build_image(environment, None, options)
    layers, originals = ({layer.digest for layer in image.layers[1:]} for image in (first.image, original.image))
    # A lock file does not say which wheels were asked for, so that of `app` has no REQUESTED.
    assert (len(layers), len(layers & originals)) == (5, 4)
    [inside] = read_environments(first.image)
    again = tmp_path / "explicit.txt"
    again.write_text(inside.explicit())
    elsewhere = BuildOptions(cache_dir=tmp_path / "other", bytecode=Bytecode.NEVER, offline=True)
    assert built(again, elsewhere).image.digest == first.image.digest
    assert built(file, elsewhere).image.digest == first.image.digest


def test_the_image_of_a_lock_file_that_knows_no_times(
    environment: LockedEnvironment, options: BuildOptions, tmp_path: Path
) -> None:
    file = tmp_path / "pixi.lock"
    file.write_text(re.sub(r"  (?:size|timestamp): .*\n", "", pixi_lock(environment)))
    image = built(file, options).image
    (tmp_path / "explicit.txt").write_text(read_environments(image)[0].explicit())
    assert built(tmp_path / "explicit.txt", options).image.digest == image.digest


def test_rattler_reads_the_lock_file_of_these_tests(environment: LockedEnvironment, tmp_path: Path) -> None:
    file = tmp_path / "pixi.lock"
    file.write_text(pixi_lock(environment))
    read = LockFile.from_path(file).default_environment()
    assert read is not None
    assert len(read.packages(read.platforms()[0]) or []) == 5


def test_an_archive_that_is_not_the_locked_one(
    environment: LockedEnvironment, options: BuildOptions, tmp_path: Path
) -> None:
    from python_docker.errors import Error

    file = tmp_path / "pixi.lock"
    sha256 = environment.packages[0].sha256 or ""
    file.write_text(pixi_lock(environment).replace(sha256, "0" * 64))
    with pytest.raises(Error, match=environment.packages[0].name):
        built(file, options)
