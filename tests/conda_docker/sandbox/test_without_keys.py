"""The filter that hides the kernel's keys: what it refuses, and what it says when there can be none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from conda_docker.sandbox import without_keys
from conda_docker.sandbox.namespaces import by_itself

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is Linux's")
X86_64, I386 = 0xC000003E, 0x40000003
ALLOW, REFUSE = 0x7FFF0000, 0x00050001


def judge(machine: str, architecture: int, number: int) -> int:
    """Run the filter, as the kernel would, on one system call."""
    program = without_keys.key_filter(without_keys._CALLS[machine])
    at, loaded = 0, -1
    while True:
        code, if_so, if_not, value = program[at]
        if code == 0x06:
            return value
        if code == 0x20:
            loaded = {0: number, 4: architecture}[value]
        else:
            assert code == 0x15
            at += if_so if loaded == value else if_not
        at += 1


@pytest.mark.parametrize("machine", without_keys._CALLS)
def test_keys_are_refused_and_nothing_else(machine: str) -> None:
    for architecture, numbers in without_keys._CALLS[machine].items():
        for number in numbers:
            assert judge(machine, architecture, number) == REFUSE
        for other in {0, 1, 59, 200, 500, *(number + step for number in numbers for step in (-1, 1))} - {*numbers}:
            assert judge(machine, architecture, other) == ALLOW


def test_other_architectures_have_no_calls() -> None:
    """Their numbers mean something else."""
    assert judge("x86_64", 0xC00000B7, 63) == REFUSE
    assert judge("x86_64", I386, 3) == ALLOW
    assert judge("x86_64", X86_64, 250) == REFUSE
    assert judge("x86_64", X86_64, 288) == ALLOW


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*by_itself(sys.executable, "without_keys.py"), *command],
        env={"A": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_program_is_started_in_its_place() -> None:
    ended = run("/usr/bin/env")
    assert (ended.returncode, ended.stdout) == (0, "A=1\n")


def test_a_program_that_cannot_be_started_is_named(tmp_path: Path) -> None:
    ended = run(str(tmp_path / "none"))
    assert (ended.returncode, ended.stderr) == (
        125,
        f"cannot make a sandbox: {tmp_path}/none: No such file or directory\n",
    )
