"""`--help`, of every command."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from conda_docker.cli.app import app
from tests.conda_docker.cli.conftest import Run
from tests.conda_docker.cli.snapshot import assert_matches_snapshot

COMMANDS = [
    [],
    *([name] for name in app.modules),
    *(["cache", name] for name in ("info", "prune", "push", "pull", "clear", "path")),
]
HEAVY = {
    "rattler",
    "pathspec",
    "conda_docker.request",
    "pydantic",
    "pydantic_core",
    "urllib3",
    "rich",
    "rich.progress",
    "ruamel.yaml",
    "isal",
    "deflate",
    "asyncio",
    "conda_docker.image.assemble",
    "python_docker.image",
}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_imports_only_what_it_needs(command: list[str], environment: dict[str, str]) -> None:
    code = (
        "import json, sys\nfrom conda_docker.cli import run\n"
        f"code = run({[*command, '--help']!r})\nprint(json.dumps(sorted(sys.modules)), file=sys.stderr)\nsys.exit(code)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert result.stdout.startswith("Usage: conda-docker")
    assert not HEAVY & set(json.loads(result.stderr))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_says_what_it_does_and_ends_well(command: list[str], conda_docker: Run) -> None:
    result = conda_docker(*command, "--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert "-h, --help" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 100


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_help_is_as_reviewed(command: list[str], conda_docker: Run) -> None:
    result = conda_docker(*command, "--help", env={"COLUMNS": "100"})
    assert_matches_snapshot(result.stdout, f"help{''.join(f'-{word}' for word in command)}.txt")


@pytest.mark.parametrize("command", app.modules)
def test_every_command_has_examples(command: str, conda_docker: Run) -> None:
    examples = conda_docker(command, "-h").stdout.partition("Examples:\n")[2].splitlines()
    assert any(line.strip().startswith(f"conda-docker {command} ") for line in examples)


def test_a_terminal_gets_panels(environment: dict[str, str], tmp_path: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(sys.executable, [sys.executable, "-m", "conda_docker", "copy", "-h"], environment | {"TERM": "xterm"})
    shown = b""
    try:
        while data := os.read(terminal, 1 << 16):
            shown += data
    except OSError:
        pass  # how Linux tells that the other side of a terminal is closed
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert "╭" in shown.decode()
    assert "--compression-level" in shown.decode()


def test_without_arguments_the_help_is_shown_and_nothing_was_done(program: Run) -> None:
    result = program()
    assert (result.returncode, result.stderr) == (1, "")
    assert result.stdout == program("--help").stdout
