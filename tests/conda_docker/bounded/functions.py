"""Functions that tests have called in another process."""

from __future__ import annotations

import logging
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path

from conda_docker.bounded.program import ask_back, is_bounded
from conda_docker.errors import InvalidSpec, Unsolvable
from python_docker.programs import Program


def describe(word: str) -> tuple[str, int, bool]:
    logging.getLogger("conda_docker").warning("%s was said", word)
    return word.upper(), os.getpid(), is_bounded()


def fail() -> None:
    raise InvalidSpec("not a spec", "a b c", "environment.yml")


def fail_unexpectedly() -> None:
    raise KeyError("x")


class Unportable(Exception):
    """An exception that cannot be pickled."""

    def __init__(self) -> None:
        super().__init__("what it is")
        self.function: Callable[[], None] = lambda: None


def fail_unportably() -> None:
    raise Unportable


def give_what_cannot_be_pickled() -> object:
    return lambda: None


def end(code: int) -> None:
    os.write(2, b"the last words\n")
    os._exit(code)


def wait_forever(begun: str) -> None:
    partial = Path(begun + ".partial")
    partial.write_text(str(os.getpid()))
    partial.rename(begun)
    while True:
        time.sleep(60)


def start_and_wait(begun: str) -> None:
    """Start a program, say which, and wait for it."""
    with Program(["sleep", "900"], folder=Path.cwd()) as program:
        partial = Path(begun + ".partial")
        partial.write_text(str(program.pid))
        partial.rename(begun)
        program.wait()


def take(size: int) -> int:
    return len(bytes(size))


def data_limits() -> tuple[int, int]:
    return resource.getrlimit(resource.RLIMIT_DATA)[0], resource.getrlimit(resource.RLIMIT_CORE)[0]


def ask(question: str) -> object:
    return ask_back(question)


def refuse() -> None:
    raise Unsolvable("no such package")
