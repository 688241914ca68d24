"""Pythons of this machine: found by their exact version, and never in the folder that the user is in."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from conda_docker.link.bytecode import python_program
from conda_docker.link.bytecode.python_program import (
    cache_tag,
    exact_version,
    find_on_machine,
    minor_version,
    probe_python,
)


def test_this_python_is_known_without_being_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python_program, "run_program", None)
    python_program._probe.cache_clear()
    found = find_on_machine(exact_version())
    assert found is not None
    assert found.command == (sys.executable,)
    assert found.tag == sys.implementation.cache_tag == cache_tag(found.version)


def test_what_another_python_says_of_itself_is_what_this_one_knows(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.symlink_to(sys.executable)
    found = probe_python((str(python),))
    assert found is not None
    assert (found.version, found.minor_version) == (exact_version(), minor_version(exact_version()))


@pytest.mark.parametrize("executable", ["/bin/false", "/bin/echo", "/no/such/python", "/etc/passwd"])
def test_what_is_no_python_is_not_taken(executable: str) -> None:
    assert probe_python((executable,)) is None


@pytest.mark.parametrize(
    "said", ["pypy\n3.10.13\npypy310\n/x", "cpython\n3.6.15\ncpython-36\n/x", "cpython\n3.12.1\nother-312\n/x"]
)
def test_what_compiles_to_something_else_is_not_taken(said: str, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nprintf '%s' '{said}'\n")
    python.chmod(0o755)
    assert probe_python((str(python),)) is None


def fake(folder: Path, name: str, marker: Path) -> None:
    """A program that says that it is Python 3.99.1, and leaves a mark."""
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\necho ran >> {marker}\nprintf 'cpython\\n3.99.1\\ncpython-399\\n{program}'\n")
    program.chmod(0o755)


@pytest.mark.parametrize("name", ["python3.99", "python3", "python"])
def test_every_folder_of_path_is_looked_into(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path / "b", name, tmp_path / "marker")
    (tmp_path / "a").mkdir()
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path / "a"), str(tmp_path / "b"), "/usr/bin", "/bin"]))
    found = find_on_machine("3.99.1")
    assert found is not None
    assert found.command == (str(tmp_path / "b" / name),)


def test_a_process_without_a_program_of_its_own_looks_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path / "bin", "python3", tmp_path / "ran")
    monkeypatch.setattr(sys, "executable", "")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}/bin")
    found = find_on_machine("3.99.1")
    assert found is not None
    assert found.command == (str(tmp_path / "bin" / "python3"),)


def test_programs_of_the_working_folder_are_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("python3.99", "python3", "python"):
        fake(tmp_path / "project", name, tmp_path / "marker")
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("PATH", os.pathsep.join(["", ".", "/usr/bin", "/bin"]))
    assert find_on_machine("3.99.1") is None
    assert not (tmp_path / "marker").exists()


def test_the_variables_of_this_process_are_not_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\nenv > {tmp_path / 'variables'}\n")
    program.chmod(0o755)
    monkeypatch.setenv("SECRET_TOKEN", "s3cr3t")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert probe_python((str(program),)) is None
    seen = (tmp_path / "variables").read_text()
    assert "s3cr3t" not in seen
    assert "PYTHONPATH" not in seen
