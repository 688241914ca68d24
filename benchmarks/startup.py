"""What it costs to start, and what a build does before it looks at layers."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.environments import Environment
from benchmarks.ours import TOOL
from benchmarks.work import Commands, Session, Work, remove

_BEFORE_LAYERS = Path(__file__).parent / "programs" / "before_layers.py"
BEFORE_LAYERS = "start, imports and solve alone"


def startup(session: Session) -> list[Work]:
    """Commands that do next to nothing."""
    empty = session.place("empty.txt")
    empty.write_text("@EXPLICIT\n")
    layout, cache = session.place("empty-out"), session.place("empty-cache")

    def work(name: str, tool: str, *command: str) -> Work:
        def prepare(first: bool) -> Commands:
            remove(layout, cache)
            return [command]

        return Work(name=name, tool=tool, prepare=prepare)

    build = ("--quiet", "build", "--base", "scratch", "--file", str(empty), "--cache-dir", str(cache))
    return [
        work("an interpreter that does nothing", "python", sys.executable, "-c", ""),
        work("--version", TOOL, *session.program, "--version"),
        work("--help", TOOL, *session.program, "--help"),
        work("build --help", TOOL, *session.program, "build", "--help"),
        work("an empty build", TOOL, *session.program, *build, "--output", f"oci:{layout}"),
    ]


def before_layers(session: Session, environment: Environment) -> Work:
    """Interpreter, imports and solve of a build of this environment."""

    def prepare(first: bool) -> Commands:
        return [[sys.executable, str(_BEFORE_LAYERS), environment.url, *environment.specs]]

    return Work(name=BEFORE_LAYERS, tool=TOOL, prepare=prepare)
