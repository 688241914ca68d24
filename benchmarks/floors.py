"""The floor: what the bare libraries take for the same bytes, divided by the number of processors."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from benchmarks.environments import Environment
from benchmarks.measure import Sample
from benchmarks.work import Commands, Row, Work

FLOOR = MappingProxyType({kind: f"floor, {kind}" for kind in ("gzip", "zstd")})
COMPILE_FLOOR = "floor, .pyc"
TOOL = "bare libraries"
_PROGRAMS = Path(__file__).parent / "programs"


def floors(environment: Environment) -> list[Work]:
    """Hashing, decompressing and compressing; and byte-compiling, which is more than that."""
    works = [_floor(name, "floor.py", [kind], environment.archives) for kind, name in FLOOR.items()]
    return [*works, _floor(COMPILE_FLOOR, "compile_floor.py", [], environment.pure)]


def _floor(name: str, program: str, options: Sequence[str], archives: Sequence[Path]) -> Work:
    command = [sys.executable, str(_PROGRAMS / program), *options, *map(str, archives)]

    def prepare(first: bool) -> Commands:
        return [command]

    return Work(name=name, tool=TOOL, prepare=prepare, take=_divided)


def _divided(sample: Sample, output: str) -> Sample:
    seconds = sum(json.loads(output)["seconds"].values())
    return Sample(seconds / (os.cpu_count() or 1), seconds, 0, 0)


def details(row: Row) -> dict[str, Any]:
    """What the last run of a floor said of its steps and of the sizes, in seconds and bytes."""
    return dict(json.loads(row.output)) if row.output and not row.failure else {}
