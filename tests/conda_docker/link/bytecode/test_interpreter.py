"""The version that compiles is known without a machine, and a Python of it is looked for everywhere."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conda_docker.environment.locked import LockedPackage, package_from_record
from conda_docker.environment.subdirs import subdir_of_platform
from conda_docker.errors import InterpreterNotFound
from conda_docker.link.bytecode.compiler import Compiler, Module
from conda_docker.link.bytecode.interpreter import Interpreters, bytecode_version
from conda_docker.link.bytecode.python_program import exact_version, find_on_machine
from conda_docker.sandbox import find_sandbox
from python_docker.spec.platform import Platform
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.link.bytecode.test_packaged_python import python_files

VERSION = exact_version()


def python(version: str, build: str = "h0_0_cpython", **fields: Any) -> LockedPackage:
    url = f"https://example.com/channel/linux-64/python-{version}-{build}.conda"
    return package_from_record({"name": "python", "version": version, "build": build, "url": url, **fields})


@pytest.mark.parametrize(
    ("package", "version"),
    [
        (python("3.12.1"), "3.12.1"),
        (python("3.14.0rc2"), "3.14.0rc2"),
        (python("3.13.5", "h1_100_cp313"), "3.13.5"),
        (python("3.13.5", "h1_100_cp313t"), "3.13.5t"),
        (python("3.13.5", "0", python_site_packages_path="lib/python3.13t/site-packages"), "3.13.5t"),
        (python("3.13.5", "0", python_site_packages_path="lib/python3.13/site-packages"), "3.13.5"),
    ],
    ids=str,
)
def test_the_version_follows_from_the_package(package: LockedPackage, version: str) -> None:
    assert bytecode_version(package) == version


@pytest.mark.parametrize(
    ("package", "reason"),
    [
        (python("3.9.18", "0_73_pypy"), "is pypy"),
        (python("3.11", "0_graalpy", depends=["graalpy"]), "is graalpy"),
        (python("2.7.18"), "not a release of CPython 3.7 or later"),
        (python("3.6.15"), "not a release of CPython 3.7 or later"),
        (python("3.12"), "not a release"),
    ],
    ids=str,
)
def test_other_pythons_compile_nothing(package: LockedPackage, reason: str) -> None:
    with pytest.raises(InterpreterNotFound, match=reason):
        bytecode_version(package)


def test_a_python_of_this_machine_needs_no_package(tmp_path: Path) -> None:
    with Interpreters(python(VERSION), "linux-aarch64", tmp_path, offline=True).start(VERSION) as compiler:
        assert compiler.python.command == (sys.executable,)


@pytest.fixture
def only_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no Python of this machine be of use."""
    monkeypatch.setattr("conda_docker.link.bytecode.python_program.find_on_machine", lambda version: None)


def own_python(subdir: str) -> SyntheticPackage:
    return SyntheticPackage(name="python", version=VERSION, subdir=subdir, files=python_files())


@pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is Linux's")
@pytest.mark.usefixtures("only_packages", "bwrap")
class TestPackages:
    def test_the_environments_own_python_compiles(self, synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
        subdir = subdir_of_platform(Platform.host())
        package = own_python(subdir)
        synthetic_channel.add(package)
        interpreters = Interpreters(synthetic_channel.locked(package), subdir, tmp_path / "cache")
        local = find_on_machine(VERSION)
        assert local is not None
        modules = [Module("/x.py", b"x = {'a', 'b'}")]
        with interpreters.start(VERSION) as compiler, Compiler(local) as here:
            assert find_sandbox().program in compiler.python.command
            assert compiler.compile(modules).result() == here.compile(modules).result()

    def test_for_another_platform_that_of_the_channel_for_this_machine_compiles(
        self, synthetic_channel: SyntheticChannel, tmp_path: Path
    ) -> None:
        foreign = SyntheticPackage(name="python", version=VERSION, subdir="linux-s390x", files={"bin/python": b"other"})
        synthetic_channel.add(foreign, own_python(subdir_of_platform(Platform.host())))
        interpreters = Interpreters(synthetic_channel.locked(foreign), "linux-s390x", tmp_path / "cache")
        with interpreters.start(VERSION) as compiler:
            assert find_sandbox().program in compiler.python.command
            assert compiler.python.version == VERSION

    def test_a_channel_without_one_for_this_machine_is_named(
        self, synthetic_channel: SyntheticChannel, tmp_path: Path
    ) -> None:
        foreign = SyntheticPackage(name="python", version=VERSION, subdir="linux-s390x", files={"bin/python": b"other"})
        synthetic_channel.add(foreign)
        interpreters = Interpreters(synthetic_channel.locked(foreign), "linux-s390x", tmp_path / "cache")
        with pytest.raises(InterpreterNotFound, match=f"no Python {VERSION} is on PATH, and "):
            interpreters.start(VERSION)

    def test_a_package_that_cannot_be_downloaded_is_named(self, tmp_path: Path) -> None:
        subdir = subdir_of_platform(Platform.host())
        interpreters = Interpreters(python(VERSION), subdir, tmp_path / "cache", offline=True)
        with pytest.raises(InterpreterNotFound, match=r"no Python .* is on PATH, and 1 package is not on this machine"):
            interpreters.start(VERSION)

    def test_a_package_of_another_version_than_it_says(
        self, synthetic_channel: SyntheticChannel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        subdir = subdir_of_platform(Platform.host())
        package = own_python(subdir)
        synthetic_channel.add(package)
        interpreters = Interpreters(synthetic_channel.locked(package), subdir, tmp_path / "cache")
        with pytest.raises(InterpreterNotFound, match=rf"and the one in python-.* is Python {VERSION}"):
            interpreters.start("3.1.4")

    def test_a_package_without_a_channel(self, tmp_path: Path) -> None:
        foreign = replace(python(VERSION), subdir="linux-s390x", channel=None)
        with pytest.raises(InterpreterNotFound, match="names no channel that may have one for"):
            Interpreters(foreign, "linux-s390x", tmp_path / "cache").start(VERSION)
