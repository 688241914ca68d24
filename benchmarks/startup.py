"""What it costs to start, and what a build does before it looks at layers."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.environments import Environment
from benchmarks.ours import TOOL
from benchmarks.work import Commands, Session, Work, remove
from python_docker.image import Image
from python_docker.image.layer_builder import build_layer
from python_docker.tar import TarEntry
from python_docker.transports import write_image

_BEFORE_LAYERS = Path(__file__).parent / "programs" / "before_layers.py"
INSPECT = "inspect a layout"
BEFORE_LAYERS = "start, imports and solve alone"


def startup(session: Session) -> list[Work]:
    """Commands that do next to nothing."""
    empty = session.place("empty.txt")
    empty.write_text("@EXPLICIT\n")
    layout, cache, image = session.place("empty-out"), session.place("empty-cache"), session.place("small")
    with build_layer() as builder:
        builder.add(TarEntry("hello", size=2), b"hi")
    small = Image("small", "1")
    assert builder.layer is not None
    small.add_layer(builder.layer)
    write_image(small, f"oci:{image}:1")

    def work(name: str, tool: str, *command: str) -> Work:
        def prepare(first: bool) -> Commands:
            remove(layout, cache)
            return [command]

        return Work(name=name, tool=tool, prepare=prepare)

    program = session.program
    build = ("--quiet", "build", "--base", "scratch", "--file", str(empty), "--cache-dir", str(cache))
    return [
        work("an interpreter that does nothing", "python", sys.executable, "-c", ""),
        work("--version", TOOL, *program, "--version"),
        work("--help", TOOL, *program, "--help"),
        work("build --help", TOOL, *program, "build", "--help"),
        work(INSPECT, TOOL, *program, "inspect", f"oci:{image}:1"),
        work("copy a layout", TOOL, *program, "--quiet", "copy", f"oci:{image}:1", f"oci:{layout}:1"),
        work("cache info", TOOL, *program, "cache", "info", "--cache-dir", str(cache)),
        work("an empty build", TOOL, *program, *build, "--output", f"oci:{layout}"),
    ]


def before_layers(session: Session, environment: Environment) -> Work:
    """Interpreter, imports and solve of a build of this environment."""

    def prepare(first: bool) -> Commands:
        return [[sys.executable, str(_BEFORE_LAYERS), environment.url, *environment.specs]]

    return Work(name=BEFORE_LAYERS, tool=TOOL, prepare=prepare)
