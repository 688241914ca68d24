"""Exit codes, messages, signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import conda_docker.cli.commands.cache
from conda_docker.cli import cli, run
from conda_docker.cli.app import app
from python_docker.errors import Error
from python_docker.version import __version__
from tests.archives import only_linux
from tests.conda_docker.cli.conftest import Run
from tests.images import write_docker_archive
from tests.processes import LONG, ended_with_us, wait_for


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_version(program: Run, option: str) -> None:
    result = program(option)
    assert (result.returncode, result.stdout, result.stderr) == (0, f"conda-docker {__version__}\n", "")


def test_it_runs_as_a_module_too(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "conda_docker", "--nothing"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stdout) == (2, "")
    assert "python -m conda_docker --help" in result.stderr


def test_the_process_ends_with_the_exit_code(program: Run, layout: str) -> None:
    commands = [["copy", layout, "oci:copy"], ["copy", "missing.tar", "oci:copy"], ["copy", layout]]
    assert [program(*command).returncode for command in commands] == [0, 4, 2]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["cpoy"], "no such command: 'cpoy'; did you mean 'copy'?"),
        (["xyz"], f"no such command: 'xyz'; there are: {', '.join(app.modules)}"),
        (["--nothing"], "no such option: --nothing"),
        (["copy", "-t", "demo:1"], "no such option: -t"),
        (["copy", "--compresion", "gzip"], "no such option: --compresion; did you mean --compression?"),
        (["copy", "--platform"], "option '--platform' requires an argument"),
        (["copy", "oci:a"], "missing argument 'DST'"),
        (["copy", "oci:a", "oci:b", "oci:c"], "got unexpected extra argument (oci:c)"),
        (
            ["copy", "--compression", "rar", "oci:a", "oci:b"],
            "--compression: 'rar' is not one of 'gzip', 'zstd', 'none'",
        ),
        (
            ["cache", "prune", "--max-size", "much"],
            "--max-size: expected a size such as 500MB or 4GB, got 'much'",
        ),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_wrong(args: list[str], message: str, conda_docker: Run) -> None:
    result = conda_docker(*args)
    assert (result.returncode, result.stdout) == (2, "")
    first, hint = result.stderr.splitlines()
    assert first.startswith(f"error: {message}")
    assert hint.startswith("Try '")
    assert hint.endswith(" --help'.")


def test_what_cannot_be_done_ends_with_1_and_one_line(conda_docker: Run) -> None:
    result = conda_docker("copy", "missing.tar", "oci:out")
    assert (result.returncode, result.stdout) == (4, "")
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert "missing.tar" in result.stderr


def test_debug_shows_where_an_error_comes_from(conda_docker: Run) -> None:
    result = conda_docker("copy", "missing.tar", "oci:out", "--debug")
    assert result.returncode == 4
    assert "Traceback (most recent call last)" in result.stderr
    assert "error: " in result.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ZeroDivisionError("oops"), "error: unexpected ZeroDivisionError: oops"),
        (OSError(28, "No space left on device", "blob"), "error: blob: No space left on device"),
        (Error("it is\x1b[1m so"), "error: it is\\x1b[1m so"),
        (MemoryError(), "error: out of memory: close other programs, or give this container or machine more memory"),
        (RuntimeError("can't start new thread"), "error: out of memory: close other programs, or give this"),
        (OSError(12, "Cannot allocate memory"), "error: out of memory: close other programs, or give this"),
    ],
)
def test_no_exception_becomes_a_traceback(
    error: Exception, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(folder: object, *, create: bool) -> None:
        raise error

    monkeypatch.setattr(conda_docker.cli.commands.cache, "_cache", fail)
    assert run(["cache", "path"]) == 1
    assert capsys.readouterr().err.startswith(message)


def test_what_is_not_text_in_the_locale_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python has the bytes of such a path as halves of surrogate pairs."""
    monkeypatch.setattr(conda_docker.cli.commands.cache, "_cache", lambda folder, create: "envs/\udcc3".encode())
    assert run(["cache", "path"]) == 2
    assert capsys.readouterr().err.startswith("error: a path or an argument is not text in this locale; ")


def test_in_a_process_that_goes_on_failure_is_an_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    cli(["--version"])
    with pytest.raises(SystemExit) as failure:
        cli(["--nothing"])
    assert failure.value.code == 2


def test_output_that_nobody_reads_is_no_failure_to_tell_of(
    layout: str, environment: dict[str, str], tmp_path: Path
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    for args in (["--help"], ["inspect", layout], ["inspect", "--raw", layout]):
        result = subprocess.run(
            [sys.executable, "-m", "conda_docker", *args],
            cwd=tmp_path,
            env=environment,
            stdout=writing,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
        assert (result.returncode, result.stderr) == (141, b"")
    os.close(writing)


@pytest.mark.parametrize(
    ("closed", "args", "code"),
    [
        (">&-", "inspect oci:layout", 0),
        (">&-", "--help", 0),
        (">&-", "copy oci:layout out.tar", 0),
        (">&-", "inspect missing.tar", 4),
        ("2>&-", "copy oci:layout out.tar", 0),
        ("2>&-", "inspect missing.tar", 4),
        ("<&- >&- 2>&-", "copy oci:layout out.tar", 0),
        ("<&- >&- 2>&-", "copy --nothing", 2),
    ],
)
def test_streams_that_are_closed_change_no_exit_code(
    closed: str, args: str, code: int, layout: str, environment: dict[str, str], tmp_path: Path
) -> None:
    command = f"{sys.executable} -m conda_docker {args} {closed}"
    result = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == code
    assert "Traceback" not in result.stdout + result.stderr
    assert not [line for line in result.stderr.splitlines() if "unexpected" in line]
    if "out.tar" in args:
        assert (tmp_path / "out.tar").stat().st_size > 5_000


def test_too_little_memory_is_said_to_be_the_cause(environment: dict[str, str], tmp_path: Path) -> None:
    write_docker_archive(tmp_path / "big.tar", [os.urandom(8 << 20)] * 4)
    command = f"ulimit -v 60000; exec {sys.executable} -m conda_docker copy --compression gzip big.tar oci:out"
    result = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 1
    assert "error: out of memory: this process may use 61.4 MB; raise the limit (ulimit -v)" in result.stderr
    assert not (tmp_path / "out").exists()


def test_output_that_cannot_be_written_is_a_failure(layout: str, environment: dict[str, str], tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run(
            [sys.executable, "-m", "conda_docker", "inspect", layout],
            cwd=tmp_path,
            env=environment,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert (result.returncode, result.stderr) == (1, b"error: standard output: No space left on device\n")


@only_linux
def test_a_current_folder_that_was_deleted_is_named(environment: dict[str, str], tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    command = 'rmdir "$PWD" && exec "$0" -m conda_docker build -b scratch -o /out.tar p'
    result = subprocess.run(
        ["sh", "-c", command, sys.executable],
        cwd=gone,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = "error: the current folder was deleted; run the command in another one\n"
    assert (result.returncode, result.stderr) == (4, said)


@pytest.mark.parametrize(
    ("number", "code", "destination"),
    [
        (signal.SIGINT, 130, "oci:out"),
        (signal.SIGINT, 130, "out.tar"),
        (signal.SIGINT, 130, "oci-archive:out.tar"),
        (signal.SIGTERM, 143, "oci:out"),
    ],
)
def test_an_interrupted_copy_leaves_nothing(
    number: signal.Signals, code: int, destination: str, environment: dict[str, str], tmp_path: Path
) -> None:
    source, target, temporary = tmp_path / "source", tmp_path / "target", tmp_path / "temporary"
    for folder in (source, target, temporary):
        folder.mkdir()
    write_docker_archive(source / "big.tar", [os.urandom(100 << 20)])
    # The highest level takes long, so that there is time to interrupt.
    command = ["copy", "--compression", "gzip", "--compression-level", "12", str(source / "big.tar"), destination]
    process = subprocess.Popen(
        [sys.executable, "-m", "conda_docker", *command],
        cwd=target,
        env=environment | {"TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with ended_with_us(process):
        wait_for(
            lambda: [path for folder in (target, temporary) for path in folder.rglob("*") if path.is_file()], process
        )
        process.send_signal(number)
        output, errors = process.communicate(timeout=LONG)
    assert (process.returncode, output) == (code, b"")
    *announced, last = errors.splitlines()
    assert last == {signal.SIGINT: b"error: interrupted", signal.SIGTERM: b"error: terminated"}[number]
    assert announced in ([], [b"stopping what is under way..."])
    assert list(target.iterdir()) == []
    assert list(temporary.iterdir()) == []
