"""Images on demand: how long a client waits for the first byte."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.environments import Environment
from benchmarks.ours import TOOL
from benchmarks.startup import before_layers
from benchmarks.work import Commands, Session, Work, remove
from conda_docker.cache.folder import NoteKind
from conda_docker.serve.names import name_of, parse_spec

if TYPE_CHECKING:
    from benchmarks.measure import Sample

KNOWN = "first byte of a known image"
NEW = "first byte of a new image of known layers"
FACTS = "first byte of a new image, layers by facts alone"
SOLVE_AND_FACTS = "solve and facts, without a server"
_FIRST_BYTE = Path(__file__).parent / "programs" / "first_byte.py"
_SOLVE_AND_FACTS = Path(__file__).parent / "programs" / "solve_and_facts.py"
_TIMES, _SOLVES = 50, 10


@contextmanager
def serving(session: Session, environment: Environment) -> Iterator[list[Work]]:
    """The works, with a server for as long as the block runs."""
    cache = session.place("cache-serve")
    remove(cache)
    process = subprocess.Popen(
        [
            *(*session.program, "serve", "--port", "0", "--base", "scratch", "--platform", "linux/amd64"),
            *("--channel", environment.url, "--cache-dir", str(cache)),
        ],
        stderr=subprocess.PIPE,
        text=True,
        env=session.env,
    )
    try:
        assert process.stderr is not None
        host = re.search(r"http://(\S+?);", process.stderr.readline())
        assert host is not None
        name = name_of(map(parse_spec, environment.specs))
        yield list(_works(session, environment, cache, f"http://{host[1]}/v2/{name}/manifests/latest"))
    finally:
        process.terminate()
        process.communicate()


def _works(session: Session, environment: Environment, cache: Path, url: str) -> Iterator[Work]:
    ask = [sys.executable, "-IS", str(_FIRST_BYTE)]

    def known(first: bool) -> Commands:
        return [[*ask, "1", url], [*ask, str(_TIMES), url]]

    def new(first: bool) -> Commands:
        for kind in (NoteKind.SERVED, NoteKind.SERVED_NAMES):
            shutil.rmtree(cache / kind, ignore_errors=True)
        return [[*ask, "1", url]]

    def by_facts(first: bool) -> Commands:
        for folder in ("blobs", "packages"):
            shutil.rmtree(cache / folder, ignore_errors=True)
        return new(first)

    def alone(first: bool) -> Commands:
        # With the cache as the server has left it.
        return [[sys.executable, str(_SOLVE_AND_FACTS), str(_SOLVES), str(cache), environment.url, *environment.specs]]

    yield before_layers(session, environment)
    for name, prepare in ((KNOWN, known), (NEW, new), (FACTS, by_facts), (SOLVE_AND_FACTS, alone)):
        yield Work(name=name, tool=TOOL, prepare=prepare, take=_seconds)


def _seconds(sample: Sample, output: str) -> Sample:
    """Return what the client measured."""
    return replace(sample, wall=float(output))
