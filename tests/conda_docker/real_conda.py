"""A real conda, where this machine has one: the Python index has none that is current, so no test may require it.

It is looked for in the environment variable `CONDA_DOCKER_TEST_CONDA` (a program), then where conda itself says it is
(`CONDA_EXE`), then on PATH.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.peers.program import Program

VARIABLE = "CONDA_DOCKER_TEST_CONDA"


def find_conda() -> Path | None:
    """Return a conda that can check an environment (`conda doctor`, since 23.5), or None."""
    for named in (os.environ.get(VARIABLE), os.environ.get("CONDA_EXE"), "conda"):
        found = shutil.which(named) if named else None
        if found is not None and _has_doctor(found):
            return Path(found)
    return None


def _has_doctor(program: str) -> bool:
    ended = subprocess.run([program, "doctor", "--help"], capture_output=True, timeout=60, check=False)
    return ended.returncode == 0


def require_conda(folder: Path) -> Program:
    """Return conda with a home of its own in `folder`; the calling test is skipped where there is none."""
    program = find_conda()
    if program is None:
        pytest.skip(f"there is no conda 23.5 or later here; {VARIABLE} can name one")
    return conda_in(program, folder)


def conda_in(program: Path, folder: Path) -> Program:
    """Return conda as a user has it who has configured nothing, with caches and home in `folder`."""
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    return Program(program, environment=conda_variables(home))


def conda_variables(home: Path) -> Mapping[str, str]:
    """Return the variables that conda runs with: nothing from the network, and linux-64 wherever it runs."""
    return {
        "HOME": str(home),
        "CONDARC": os.devnull,
        "CONDA_PKGS_DIRS": str(home / "pkgs"),
        "CONDA_ENVS_PATH": str(home / "envs"),
        "CONDA_SUBDIR": "linux-64",
        "CONDA_OFFLINE": "true",
        "CONDA_SOLVER": "classic",  # part of conda itself
        "CONDA_ADD_PIP_AS_PYTHON_DEPENDENCY": "false",
        "CONDA_ALWAYS_YES": "true",
    }
