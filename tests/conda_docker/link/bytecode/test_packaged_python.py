"""The interpreter of a package runs in a sandbox or not at all, and only as it was unpacked."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from conda_docker.environment.locked import LockedPackage
from conda_docker.errors import InterpreterNotFound
from conda_docker.link.bytecode.compiler import Compiler, Module
from conda_docker.link.bytecode.interpreter import Interpreters
from conda_docker.link.bytecode.packaged_python import packaged_python, unpack_python
from conda_docker.link.bytecode.python_program import PythonProgram, exact_version, find_on_machine, minor_version
from conda_docker.sandbox import Sandbox
from conda_docker.sandbox.find import KINDS
from demo.interpreter import interpreter_program
from tests.conda_docker.oracle import locked
from tests.conda_docker.packages import File, Symlink, SyntheticPackage
from tests.conda_docker.sandboxes import USED, sandbox_of

VERSION = exact_version()
MINOR = minor_version(VERSION)
NAME = f"bin/python{MINOR}"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is Linux's")


def python_files() -> dict[str, File | Symlink | bytes | str]:
    """What this Python needs to start, as files of a package."""
    own = interpreter_program()
    library = own.parent.parent / "lib"
    modules = library / f"python{MINOR}"
    found = (
        *library.glob("libpython*.so*"),
        *modules.glob("*.py"),
        *modules.glob("encodings/*.py"),
        *modules.glob("lib-dynload/unicodedata.*"),
    )
    files: dict[str, File | Symlink | bytes | str] = {
        f"lib/{path.relative_to(library)}": path.read_bytes() for path in found
    }
    # Links to the interpreter are not needed, and not unpacked.
    return files | {NAME: File(own.read_bytes(), mode=0o755), "bin/python": Symlink(NAME.removeprefix("bin/"))}


def python_package(folder: Path, program: bytes | None = None, version: str = VERSION) -> tuple[LockedPackage, Path]:
    """This Python as a package, or one with another program in its place."""
    files = python_files()
    if program is not None:
        files = {f"bin/python{minor_version(version)}": File(program, mode=0o755)}
    archive = SyntheticPackage(name="python", version=version, files=files).write(folder)
    return locked(archive), archive


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> tuple[LockedPackage, Path, Path]:
    folder = tmp_path_factory.mktemp("python")
    python, archive = python_package(folder)
    return python, archive, folder / "cache"


@pytest.fixture(params=USED, ids=lambda kind: kind.name)
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    return sandbox_of(request.param)


def test_it_compiles_to_the_same_bytes_as_a_python_of_this_machine(
    unpacked: tuple[LockedPackage, Path, Path], sandbox: Sandbox
) -> None:
    python = packaged_python(*unpacked, sandbox)
    assert python.version == VERSION
    assert sandbox.program in python.command
    local = find_on_machine(VERSION)
    assert local is not None
    modules = [Module("/x.py", Path(__file__).read_bytes()), Module("/y.py", b"x = '\\N{BULLET}'")]
    with Compiler(python) as sandboxed, Compiler(local) as here:
        assert sandboxed.compile(modules).result() == here.compile(modules).result()


@pytest.mark.parametrize("harm", ["replaced", "added", "linked", "removed", "note"])
def test_what_was_changed_in_the_cache_is_unpacked_anew(
    unpacked: tuple[LockedPackage, Path, Path], harm: str, tmp_path: Path
) -> None:
    python, archive, _ = unpacked
    root = unpack_python(python, archive, tmp_path)
    program = root / NAME
    content, mode = program.read_bytes(), program.stat().st_mode
    hostile = root / f"lib/python{MINOR}/encodings/hostile.py"
    if harm == "replaced":
        program.write_bytes(b"#!/bin/sh\n")
    elif harm == "added":
        hostile.write_text("import os")
    elif harm == "linked":
        program.unlink()
        program.symlink_to("/bin/sh")
    elif harm == "removed":
        program.unlink()
    else:
        (root / "unpacked.json").write_text("{}")
    assert unpack_python(python, archive, tmp_path) == root
    assert (program.read_bytes(), program.stat().st_mode) == (content, mode)
    assert not program.is_symlink()
    assert not hostile.exists()


def test_what_is_as_it_was_unpacked_needs_no_package(
    unpacked: tuple[LockedPackage, Path, Path], tmp_path: Path
) -> None:
    python, archive, _ = unpacked
    root = unpack_python(python, archive, tmp_path)
    assert unpack_python(python, tmp_path / "no such archive", tmp_path) == root


def answering(marker: Path, version: str) -> bytes:
    """A program that says it is a Python, and first leaves a mark wherever it can."""
    tag = "cpython-" + minor_version(version).replace(".", "")
    return (
        f"#!/bin/sh\necho ran > {marker}; echo ran > /tmp/{marker.name}; echo ran > $HOME/{marker.name}\n"
        f"printf 'cpython\\n{version}\\n{tag}\\n/python/bin/python'\n"
    ).encode()


def test_a_hostile_interpreter_reaches_nothing(tmp_path: Path, sandbox: Sandbox) -> None:
    marker = tmp_path / "marker"
    python, archive = python_package(tmp_path, answering(marker, "3.99.1"), "3.99.1")
    with pytest.raises(InterpreterNotFound):  # there is no shell in the sandbox
        packaged_python(python, archive, tmp_path / "cache", sandbox)
    assert not marker.exists()
    assert not Path("/tmp", marker.name).exists()
    assert not Path.home().joinpath(marker.name).exists()


def test_without_a_sandbox_it_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marker = tmp_path / "marker"
    python, _ = python_package(tmp_path, answering(marker, "3.99.1"), "3.99.1")
    monkeypatch.setattr("conda_docker.sandbox.find.KINDS", KINDS[:1])
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(InterpreterNotFound, match=r"no Python 3\.99\.1 is on PATH, and .*bwrap is not on PATH"):
        Interpreters(python, "linux-64", tmp_path / "cache").start("3.99.1")
    assert not marker.exists()


def test_a_package_without_an_interpreter_is_named(tmp_path: Path, sandbox: Sandbox) -> None:
    archive = SyntheticPackage(name="python", version="3.99.1", files={"share/x": "x"}).write(tmp_path)
    with pytest.raises(InterpreterNotFound, match=r"python-3\.99\.1-0\.conda has no interpreter bin/python3\.99"):
        packaged_python(locked(archive), archive, tmp_path / "cache", sandbox)


def test_a_python_of_another_version_is_not_taken() -> None:
    assert find_on_machine("3.99.1") is None
    found = find_on_machine(VERSION)
    assert isinstance(found, PythonProgram)
    assert found.version == VERSION
