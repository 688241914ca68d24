"""What a process that solves is asked, and what it answers; which image a base's name means, it asks back."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.baking.failure import Failure
from conda_docker.baking.solving.solution import Solution, solve
from conda_docker.bounded.program import ask_back
from conda_docker.image.base.opening import share_bases, told_bases
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
    """What a request comes to. `memory` is the most bytes that the process has had."""

    found: tuple[Solution, ...] | Failure
    memory: int = 0


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
    try:
        return Answer(solve(question.request, download=question.download), peak_memory())
    except Exception as error:
        return Answer(Failure.of(error), peak_memory())


def peak_memory() -> int:
    """Return the most bytes of memory that this process has had; 0 where that is not known."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def answer_for(question: Question) -> Answer:
    """Return the answer to a question of the process that started this one, which is asked what bases mean."""
    share_bases()
    with told_bases(_digest_of):
        return answer(question)


def _digest_of(location: str, platform: Platform, cache_dir: Path) -> str:
    found = ask_back(BaseAsked(location, platform, cache_dir))
    if isinstance(found, Failure):
        raise found.error()
    return str(found)
