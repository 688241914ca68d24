"""Builds of an environment whose packages are wheels, beside uv's way to an image."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.environments import generated
from benchmarks.generator import Size
from benchmarks.ours import COLD, TOOL
from benchmarks.wheels import FULL, QUICK, WheelEnvironment
from benchmarks.work import Commands, Session, Work, remove
from conda_docker.pypi.resolve.uv import uv_program

UV_UMOCI = "uv + umoci"
UV_PYC_UMOCI = "uv --compile-bytecode + umoci"
CONDA_WARM = "warm, as many conda packages"
_PREFIX = "opt/conda"
_CONDA = {FULL: Size(40, 10_000), QUICK: Size(8, 200)}


def wheel_works(session: Session, environment: WheelEnvironment, *, peers: bool) -> Iterator[Work]:
    """Yield builds of the environment, cold and warm; a warm one of conda packages; and uv's way to an image."""
    cold, warm = session.place("cold-wheels"), session.place("warm-wheels")
    layout, explicit = session.place("out"), session.place("wheels.txt")

    def command(cache: Path, *wanted: str) -> list[str]:
        build = ("--quiet", "build", "--base", "scratch", "--cache-dir", str(cache))
        return [*session.program, *build, "--image", "demo:1", "--output", f"oci:{layout}", *wanted]

    def run(words: list[str]) -> str:
        ended = subprocess.run(words, check=True, capture_output=True, text=True, env=session.env, cwd=session.folder)
        return ended.stdout

    def work(name: str, words: list[str], *emptied: Path) -> Work:
        def prepare(first: bool) -> Commands:
            remove(layout, *emptied)
            return [words]

        return Work(name=name, tool=TOOL, prepare=prepare)

    file = ("--file", str(environment.file))
    run(command(warm, *file))
    explicit.write_text(run([*session.program, "--quiet", "inspect", "--explicit", f"oci:{layout}"]))
    yield work(COLD, command(cold, *file), cold)
    yield work(f"{COLD}, no .pyc", command(cold, "--bytecode", "never", *file), cold)
    yield work("warm", command(warm, *file))
    yield work("warm, from a list with URLs", command(warm, "--file", str(explicit)))
    conda = generated("conda", "", _CONDA[QUICK if session.quick else FULL], session.kept, changed=False)
    packages = ("--channel", conda.url, "--override-channels", *conda.specs)
    remove(layout)
    run(command(warm, *packages))
    yield work(CONDA_WARM, command(warm, *packages))
    if peers:
        yield from _uv_works(session, environment)


def _uv_works(session: Session, environment: WheelEnvironment) -> Iterator[Work]:
    """Yield installing with uv, from wheels on disk and with an empty cache, and an image of that."""
    root, cache, output = session.place("root"), session.place("uv-cache"), session.place("peer-out")
    target = root / _PREFIX
    wheels = ["--no-index", "--find-links", str(environment.wheels[0].parent)]
    names = [wheel.name.split("-")[0] for wheel in environment.wheels]
    install = [uv_program(), "pip", "install", "--quiet", "--no-config", "--cache-dir", str(cache)]
    install += ["--python", sys.executable, "--prefix", str(target), *wheels]
    image = f"{shlex.quote(str(output))}:1"
    script = f"""
        umoci init --layout {shlex.quote(str(output))}
        umoci new --image {image}
        umoci insert --image {image} {shlex.quote(str(target))} /{_PREFIX}
    """

    def work(name: str, tool: str, commands: Commands, ours: str) -> Work:
        def prepare(first: bool) -> Commands:
            remove(root, cache, output)
            target.mkdir(parents=True)
            return commands

        return Work(name=name, tool=tool, prepare=prepare, ours=ours)

    plain, compiling = [*install, *names], [*install, "--compile-bytecode", *names]
    yield work("installed, no image", "uv", [plain], f"{COLD}, no .pyc")
    if shutil.which("umoci", path=session.env["PATH"]):
        umoci = ["sh", "-ec", script]
        yield work(f"{COLD}, no .pyc", UV_UMOCI, [plain, umoci], f"{COLD}, no .pyc")
        yield work(COLD, UV_PYC_UMOCI, [compiling, umoci], COLD)
