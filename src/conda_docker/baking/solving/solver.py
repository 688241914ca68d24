"""The program of a process that solves: requests come in on standard input, answers go out on standard output.

Only the process that started it writes there, and both are of the same release, so that pickles are safe here.
"""

from __future__ import annotations

import logging
import os
import pickle
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from conda_docker.baking.failure import Failure
from conda_docker.baking.solving.solution import Solution, solve
from python_docker.spec.platform import Platform

if TYPE_CHECKING:
    from conda_docker.request import Request


@dataclass(frozen=True, slots=True)
class Question:
    """A request, and whether packages may be downloaded to answer it."""

    request: Request
    download: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request comes to. `memory` is the most bytes that the process has had; `logged` are messages by level."""

    found: tuple[Solution, ...] | Failure
    memory: int = 0
    logged: tuple[tuple[str, int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class BaseAsked:
    """A question back, before the answer: which image the name of a base means. A digest or a `Failure` answers it.

    So a registry is asked once for all processes, and a tag means one image in all of them.
    """

    location: str
    platform: Platform
    cache_dir: Path


def answer(question: Question) -> Answer:
    """Return what a request comes to; whatever goes wrong is part of the answer."""
    logged = _Kept()
    root = logging.getLogger()
    root.addHandler(logged)
    try:
        return Answer(solve(question.request, download=question.download), peak_memory(), tuple(logged.messages))
    except Exception as error:
        return Answer(Failure.of(error), peak_memory(), tuple(logged.messages))
    finally:
        root.removeHandler(logged)


class _Kept(logging.Handler):
    """Keeps messages for whoever asked."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[tuple[str, int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append((record.name, record.levelno, record.getMessage()))


def peak_memory() -> int:
    """Return the most bytes of memory that this process has had; 0 where that is not known."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def main() -> None:
    """Answer until there are no more questions, and end at once: see `conda_docker.cli._leave`."""
    from conda_docker.channels.rattler_client import shared_gateways
    from conda_docker.image.base.opening import shared_bases, told_bases

    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing else may be written among the answers
    questions = sys.stdin.buffer

    def digest_of(location: str, platform: Platform, cache_dir: Path) -> str:
        pickle.dump(BaseAsked(location, platform, cache_dir), answers)
        answers.flush()
        found = pickle.load(questions)  # noqa: S301 -- of the process that started this one
        if isinstance(found, Failure):
            raise found.error()
        return str(found)

    with shared_gateways(), shared_bases(), told_bases(digest_of):
        _serve(questions, answers)
    os._exit(0)


def _serve(questions: BinaryIO, answers: BinaryIO) -> None:
    while True:
        try:
            question = pickle.load(questions)  # noqa: S301 -- of the process that started this one
        except EOFError:
            return
        try:
            pickle.dump(answer(question), answers)
            answers.flush()
        except BrokenPipeError:
            return  # nobody waits any more
