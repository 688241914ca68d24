"""Other programs are started in one place, in an empty folder, without what has them load code."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import conda_docker
import python_docker
from python_docker import programs
from python_docker.programs import PYTHON_FLAGS, Program, find_program, program_environment, run_program

SOURCE = Path(python_docker.__file__).parents[1]
HERE = "python_docker/programs.py"
# Constants and errors of subprocess start nothing.
_HARMLESS = {"PIPE", "DEVNULL", "STDOUT", "TimeoutExpired", "SubprocessError", "CalledProcessError", "CompletedProcess"}
_SHELL = re.compile(r"^\[(shell|'/bin/sh')")
_STARTS = {"system", "popen", "fork", "forkpty", "posix_spawn", "posix_spawnp", "startfile"}


def sources() -> list[Path]:
    return [path for path in SOURCE.rglob("*.py") if path.relative_to(SOURCE).as_posix() != HERE]


def starts(tree: ast.AST) -> Iterator[str]:
    """Whatever in a module may start a program."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = node.attr
            if node.value.id == "subprocess" and name not in _HARMLESS:
                yield f"subprocess.{name}"
            if node.value.id in ("os", "posix") and (name in _STARTS or name.startswith(("exec", "spawn"))):
                yield f"os.{name}"
            if node.value.id == "asyncio" and name.startswith("create_subprocess"):
                yield f"asyncio.{name}"
        if isinstance(node, ast.ImportFrom) and node.module in ("subprocess", "multiprocessing", "pty"):
            yield f"from {node.module}"
        if isinstance(node, ast.Import) and {"multiprocessing", "pty"} & {alias.name for alias in node.names}:
            yield "multiprocessing or pty"


def test_every_program_is_started_by_one_module() -> None:
    # What a sandbox is started with becomes the program, or its parent, in the folder that it was given.
    others = [path for path in sources() if path.parent.name != "sandbox"]
    found = {path.name: list(starts(ast.parse(path.read_text()))) for path in others}
    assert {name: calls for name, calls in found.items() if calls} == {}
    assert list(starts(ast.parse((SOURCE / HERE).read_text())))  # the search finds what there is


def test_every_python_is_started_isolated() -> None:
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.List):
                continue
            text = ast.unparse(node)
            if any(isinstance(part, ast.Constant) and part.value == "-c" for part in node.elts) and not _SHELL.search(
                text
            ):
                assert "PYTHON_FLAGS" in text or "_flags(" in text, f"{path}: {text}"


def test_only_our_own_command_line_keeps_the_working_folder() -> None:
    here = re.compile(r"folder=Path(?:\.cwd\(\)|\(os\.curdir\))")
    assert {path.name for path in sources() if here.search(path.read_text())} == {"plugin.py", "process.py"}


LOOK = "import os, sys; print(os.getcwd()); print(os.listdir()); print(os.getcwd() in sys.path)"


def test_a_program_runs_in_an_empty_folder_that_is_removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "json.py").write_text("raise SystemExit('this ran')")
    ended = run_program([sys.executable, *PYTHON_FLAGS, "-c", f"import json; {LOOK}"])
    folder, listing, on_path = ended.stdout.decode().splitlines()
    assert (listing, on_path, ended.returncode) == ("[]", "False", 0)
    assert folder != str(tmp_path)
    assert not Path(folder).exists()


def test_a_running_program_keeps_its_folder_until_it_has_ended() -> None:
    with Program(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program._folder is not None
        folder = program._folder.path
        assert folder.is_dir()
        assert program.communicate(b"x")[0] == b"x"
    assert not folder.exists()


def test_a_program_that_cannot_be_started_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(FileNotFoundError):
        run_program(["/no/such/program"])
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_takes_too_long_is_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(subprocess.TimeoutExpired):
        run_program(["sleep", "60"], timeout=0.1)
    assert list(tmp_path.iterdir()) == []


def test_only_the_end_of_what_is_printed_is_kept() -> None:
    ended = run_program(["sh", "-c", "yes | head -c 3000000; echo end; echo wrong >&2; exit 3"], keep=6, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (3, b"y\nend\n"[-6:], b"wrong\n")


def test_a_program_that_prints_for_too_long_is_killed() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        run_program(["yes"], keep=6, timeout=0.2)


@pytest.mark.parametrize("command", ["yes", "yes >&2", "cat >/dev/null; yes"])
def test_a_program_that_prints_without_end_is_killed(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setattr(programs, "MAX_OUTPUT", 1 << 20)
    with pytest.raises(OSError, match=r"sh prints more than 1 MiB"):
        run_program(["sh", "-c", command], input=bytes(100_000) if "cat" in command else None)


def test_input_that_nobody_reads_is_no_failure() -> None:
    assert run_program(["true"], input=bytes(1_000_000)).returncode == 0


def test_input_and_exit_code_are_passed_on() -> None:
    ended = run_program(["sh", "-c", "cat; echo wrong >&2; exit 3"], input=b"text")
    assert (ended.returncode, ended.stdout, ended.stderr) == (3, b"text", b"wrong\n")


@pytest.mark.parametrize("name", ["PYTHONPATH", "PYTHONSTARTUP", "PYTHONHOME", "BASH_ENV", "PERL5OPT", "NODE_OPTIONS"])
def test_variables_that_load_code_are_left_out(name: str) -> None:
    assert program_environment({name: "/x", "HOME": "/home/me"}) == {"HOME": "/home/me"}


def test_relative_folders_of_path_are_left_out() -> None:
    given = os.pathsep.join(["", ".", "bin", "/usr/bin", "./x"])
    assert program_environment({"PATH": given})["PATH"] == "/usr/bin"


def test_paths_of_configuration_become_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    kept = program_environment({"DOCKER_CONFIG": "config", "SSL_CERT_FILE": "/etc/ca.pem", "XDG_CONFIG_HOME": ""})
    assert kept == {"DOCKER_CONFIG": str(tmp_path / "config"), "SSL_CERT_FILE": "/etc/ca.pem", "XDG_CONFIG_HOME": ""}


def test_a_program_of_the_working_folder_is_found_only_by_a_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    program = tmp_path / "some-program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for path in ("", ".", f".{os.pathsep}/usr/bin"):
        assert find_program("some-program", {"PATH": path}) is None
    assert find_program("./some-program") == str(program)
    assert find_program("some-program", {"PATH": str(tmp_path)}) == str(program)


def test_our_packages_are_the_ones_searched() -> None:
    assert Path(conda_docker.__file__).is_relative_to(SOURCE)


def test_ctrl_c_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(KeyboardInterrupt), Program(["sleep", "60"]) as program:
        program.kill()
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code = (
        "import os, signal, tempfile; tempfile.tempdir = os.environ['PLACE']\n"
        "from python_docker.programs import Program\n"
        "Program(['sleep', '0']); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "PLACE": str(tmp_path)}, check=False, timeout=30)
    [left] = tmp_path.iterdir()
    os.utime(left, (0, 0))  # as if some time had passed
    run_program(["true"])
    assert list(tmp_path.iterdir()) == []


def test_several_threads_wait_for_one_program() -> None:
    """The folder goes once: a file descriptor that is closed twice may be somebody else's by then."""
    for _ in range(20):
        with Program(["true"]) as program, ThreadPoolExecutor(8) as pool:
            waiting = [pool.submit(program.wait) for _ in range(8)]
            assert [each.result() for each in waiting] == [0] * 8
