"""The program that enters namespaces: what it says when it cannot, and what holds for it alone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conda_docker.sandbox import Sandbox, View
from conda_docker.sandbox.find import KINDS
from python_docker.programs import Program, run_program
from tests.conda_docker.sandboxes import sandbox_of
from tests.processes import wait_for

HERE = {path: Path(path) for path in ("/usr", "/bin", "/lib", "/lib64") if Path(path).is_dir()}
VIEW = View(folders=HERE, devices=True, variables={"PATH": "/usr/bin:/bin"})


@pytest.fixture
def sandbox() -> Sandbox:
    return sandbox_of(KINDS[-1])


def run(sandbox: Sandbox, script: str, view: View = VIEW) -> tuple[int, str, str]:
    ended = run_program(sandbox.command(["/bin/sh", "-c", script], view), environ={}, timeout=60)
    return ended.returncode, ended.stdout.decode(), ended.stderr.decode(errors="replace")


def test_what_keeps_watch_in_the_sandbox_cannot_be_looked_into(sandbox: Sandbox) -> None:
    """Its program and its libraries are this machine's, and may belong to the user."""
    for name in ("exe", "root/usr", "cwd", "environ", "mem"):
        code, printed, said = run(sandbox, f"cat /proc/1/{name}")
        assert (code, printed) == (1, "")
        assert "ermission denied" in said


def test_a_program_that_is_not_there_is_named(sandbox: Sandbox) -> None:
    ended = run_program(sandbox.command(["/bin/nosuch"], VIEW), environ={}, timeout=60)
    assert (ended.returncode, b"cannot start /bin/nosuch: [Errno 2]" in ended.stderr) == (127, True)


def test_a_working_folder_that_is_not_there_is_named(sandbox: Sandbox) -> None:
    view = View(folders=HERE, working_folder="/nosuch")
    code, _, said = run(sandbox, "true", view)
    assert (code, "/nosuch" in said) == (127, True)


def test_a_folder_that_is_not_there_is_named(sandbox: Sandbox) -> None:
    code, printed, said = run(sandbox, "echo ran", View(folders={**HERE, "/x": Path("/nosuch")}))
    assert (code, printed) == (125, "")
    assert said.startswith("cannot make a sandbox: mount: No such file or directory: /")


def test_nothing_is_mounted_over_a_link(sandbox: Sandbox, tmp_path: Path) -> None:
    """It may lead out of the file system that is being put together, and a package may have brought it."""
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in ("tree/usr", "tree/bin", "tree/lib", "tree/lib64"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "tree/tmp").symlink_to(outside)
    view = View(writable={"/": tmp_path / "tree"}, folders=HERE, temporary=("/tmp/a",))
    code, printed, said = run(sandbox, "echo ran", view)
    assert (code, printed, "/tmp/a is a link in the sandbox" in said) == (125, "", True)
    assert list(outside.iterdir()) == []


def test_it_starts_in_an_empty_folder_alone(sandbox: Sandbox, tmp_path: Path) -> None:
    """What the program sees is put together there."""
    (tmp_path / "file").touch()
    command = sandbox.command(["/bin/true"], VIEW)
    ended = subprocess.run(command, env={}, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ended.returncode, f"{tmp_path} is not empty" in ended.stderr) == (125, True)


def test_paths_are_what_they_are(sandbox: Sandbox, tmp_path: Path) -> None:
    """Blanks, backslashes and bytes that are not UTF-8, in the list of mounts as well."""
    folder = tmp_path / "a b\\040\udcff'\n"
    folder.mkdir()
    (folder / "file").write_text("x")
    view = View(folders={**HERE, f"/{folder.name}": folder})
    code, _, said = run(sandbox, "cd /a*; cat file && echo y > file", view)
    assert (code, "Read-only" in said) == (2, True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts without a sandbox")
def test_what_is_mounted_in_a_folder_is_read_only_too(sandbox: Sandbox, tmp_path: Path) -> None:
    inner = tmp_path / "in ner"
    inner.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "noatime,noexec", "none", inner], check=True)
    try:
        (inner / "file").write_text("x")
        code, printed, said = run(
            sandbox, "cat '/x/in ner/file'; echo y > '/x/in ner/file'", View(folders={**HERE, "/x": tmp_path})
        )
    finally:
        subprocess.run(["umount", inner], check=True)
    assert (code, printed, "Read-only" in said) == (2, "x", True)


def test_killed_it_takes_all_along(sandbox: Sandbox, tmp_path: Path) -> None:
    view = View(folders=HERE, writable={"/shared": tmp_path}, devices=True)
    command = sandbox.command(["/bin/sh", "-c", "while :; do echo x >> /shared/alive; done"], view)
    with Program(command, environ={}) as program:
        wait_for(lambda: (tmp_path / "alive").exists() or program.poll() is not None)
        program.kill()

    def stands_still() -> bool:
        before = (tmp_path / "alive").stat().st_size
        time.sleep(0.1)
        return (tmp_path / "alive").stat().st_size == before

    wait_for(stands_still)


def test_it_runs_by_itself(sandbox: Sandbox) -> None:
    """Neither this project nor what is installed beside it is imported."""
    assert sandbox.command(["/bin/true"], VIEW).count("-I") == 2
    assert sandbox.command(["/bin/true"], VIEW)[:4] == [sys.executable, "-I", "-S", "-B"]


def test_more_arguments_may_follow(sandbox: Sandbox) -> None:
    """The command of an interpreter is the beginning of many."""
    command = [*sandbox.command(["/bin/echo", "a"], VIEW), "--", "{}"]
    assert run_program(command, environ={}, timeout=60).stdout == b"a -- {}\n"
