"""Programs of packages see nothing of the user and reach nobody, or do not run at all."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from conda_docker.errors import SandboxUnavailable
from conda_docker.sandbox import Sandbox, find_sandbox
from python_docker.programs import run_program
from tests.peers import Program


@pytest.fixture
def sandbox(bwrap: Program) -> Sandbox:
    return find_sandbox()


def run(sandbox: Sandbox, script: str, **options: object) -> tuple[int, str]:
    """Run a script for sh with this machine's programs; give its exit code and what it printed."""
    folders = {path: Path(path) for path in ("/usr", "/bin", "/lib", "/lib64") if Path(path).is_dir()}
    command = sandbox.command(["/bin/sh", "-c", script], folders=folders, **options)  # type: ignore[arg-type]
    ended = run_program(command, environ={"PATH": "/usr/bin:/bin"}, timeout=60)
    return ended.returncode, (ended.stdout + ended.stderr).decode()


def test_a_program_sees_the_folders_it_is_given(sandbox: Sandbox) -> None:
    _, printed = run(sandbox, "ls /")
    assert set(printed.split()) <= {"usr", "bin", "lib", "lib64"}


def test_the_home_folder_is_not_there(sandbox: Sandbox) -> None:
    assert run(sandbox, f"ls {Path.home()} /home /etc /tmp")[0] != 0


def test_nothing_can_be_written(sandbox: Sandbox) -> None:
    code, printed = run(sandbox, "touch /x || touch /usr/x || touch /bin/x")
    assert code != 0
    assert "Read-only" in printed


def test_what_is_said_to_be_writable_can_be_written(sandbox: Sandbox, tmp_path: Path) -> None:
    assert run(sandbox, "echo made > /shared/file", writable={"/shared": tmp_path}) == (0, "")
    assert (tmp_path / "file").read_text() == "made\n"


def test_there_is_no_network(sandbox: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        script = f"exec 3<>/dev/tcp/127.0.0.1/{port}"
        folders = {path: Path(path) for path in ("/usr", "/bin", "/lib", "/lib64") if Path(path).is_dir()}
        for network, reached in ((False, False), (True, True)):
            command = sandbox.command(["/bin/bash", "-c", script], folders=folders, devices=True, network=network)
            assert (run_program(command, environ={}, timeout=60).returncode == 0) == reached


def test_only_the_variables_that_are_given_are_there(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "s3cr3t")
    assert "SECRET" not in run(sandbox, "env")[1]


def test_other_processes_cannot_be_seen(sandbox: Sandbox) -> None:
    _, printed = run(sandbox, "echo /proc/[0-9]*", devices=True)
    assert str(os.getpid()) not in printed
    assert len(printed.split()) <= 3


def test_without_bubblewrap_the_reason_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SandboxUnavailable, match=r"bwrap is not on PATH; install bubblewrap|needs Linux"):
        find_sandbox()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no sandbox at all")
def test_where_namespaces_are_refused_the_reason_is_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    refusing = tmp_path / "bwrap"
    refusing.write_text("#!/bin/sh\necho 'bwrap: No permissions to create a new namespace' >&2\nexit 1\n")
    refusing.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(SandboxUnavailable, match=r"No permissions to create a new namespace.*allow user namespaces"):
        find_sandbox()


@pytest.mark.skipif(sys.platform == "linux", reason="there is one here")
def test_other_systems_have_no_sandbox() -> None:
    with pytest.raises(SandboxUnavailable, match="needs Linux"):
        find_sandbox()
