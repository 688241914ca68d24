"""`conda docker ...`: the program as a subcommand of conda.

conda 22.11 and later loads this module by the entry point `conda` of the distribution, and calls the hook for each of
its own commands; so nothing heavy is imported here. Earlier ones find the program `conda-docker` on PATH.
Source: conda's developer guide, "Plugins", subcommands.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from conda.plugins import hookimpl

from python_docker.programs import PYTHON_FLAGS, Program

if TYPE_CHECKING:
    from conda.plugins.types import CondaSubcommand

_PROGRAM = "from conda_docker.cli import main; main(program='conda docker')"


@hookimpl  # type: ignore[untyped-decorator]
def conda_subcommands() -> Iterable[CondaSubcommand]:
    """Register the subcommand `docker` with conda."""
    from conda.plugins.types import CondaSubcommand

    yield CondaSubcommand(
        name="docker", summary="Build Docker and OCI images from conda environments, without Docker.", action=run
    )


def run(args: Sequence[str]) -> int:
    """Run the program with the arguments that follow `conda docker`, and give its exit code.

    In a process of its own: conda has changed logging, signals and warnings of this one to its needs, and the program
    ends its process in a way of its own (see `conda_docker.cli`).
    """
    # Without -I a file such as ./typing.py in the user's folder would be imported.
    command = [sys.executable, *PYTHON_FLAGS, "-c", _PROGRAM, *args]
    with Program(command, environ=os.environ, stdin=None, folder=Path.cwd()) as process:
        while True:
            try:
                code = process.wait()
            except KeyboardInterrupt:
                continue  # the program has got it too, and tidies up before it ends
            return code if code >= 0 else 128 - code
