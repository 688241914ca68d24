"""Other programs that builds can use: conda and its like, uv, and engines."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

from conda_docker.doctor.check import Check, Status, ok
from python_docker.docker.engine import find_engine
from python_docker.errors import Error, reason_of
from python_docker.programs import find_program, run_program

_OPTIONAL = ("conda", "mamba", "micromamba", "pixi")
_SECONDS = 20


def check_programs() -> Iterator[Check]:
    """Yield the versions of the programs that are there, which of them is none is needed."""
    for name in _OPTIONAL:
        yield _check_optional(name)
    yield _check_uv()
    yield _check_engine()


def _check_optional(name: str) -> Check:
    program = find_program(name)
    if program is None:
        return ok(name, "not on PATH (not needed)")
    return _version_of(name, program)


def _version_of(name: str, program: str) -> Check:
    try:
        ended = run_program([program, "--version"], timeout=_SECONDS, keep=1000)
    except (OSError, subprocess.SubprocessError) as error:
        return Check(name, Status.WARNING, f"{program} cannot be run: {reason_of(error)}")
    words = (ended.stdout or ended.stderr).decode("utf-8", "replace").split("\n")[0].strip()
    if ended.returncode != 0:
        return Check(name, Status.WARNING, f"{program} fails with exit code {ended.returncode}: {words}")
    return ok(name, f"{words.removeprefix(name).strip()}, {program}")


def _check_uv() -> Check:
    from conda_docker.pypi.resolve.uv import uv_program

    try:
        return _version_of("uv", uv_program())
    except Error as error:
        return Check("uv", Status.WARNING, str(error), "environments without pip packages do not need it")


def _check_engine() -> Check:
    try:
        engine = find_engine()
    except Error as error:
        first = str(error).splitlines()[0].rstrip(".:")
        return ok("engine", f"{first} (needed only for --load and docker-daemon:)")
    return ok("engine", repr(engine).strip("<>").partition(" ")[2])
