"""The program of a bounded process: calls come in on standard input, what they come to goes out on standard output.

Only the process that started it writes there, and both are of the same release, so that pickles are safe here.
"""

from __future__ import annotations

import logging
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from queue import SimpleQueue
from typing import IO, BinaryIO

from conda_docker.errors import SolverFailed
from python_docker.errors import Error, is_lack_of_memory

_LENGTH = 8  # bytes that say how long a message is
_own: list[tuple[BinaryIO, SimpleQueue[bytes]]] = []
"""Where answers go, and where messages come from; empty in a process of the user's."""


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its arguments."""

    function: Callable[..., object]
    arguments: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call came to: a value, or an error with the place that it comes from; `logged` are messages by level."""

    value: object = None
    error: Exception | None = None
    traceback: str = ""
    logged: tuple[tuple[str, int, str], ...] = ()
    lacks_memory: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A question back, before the outcome; whatever answers it comes as it is."""

    question: object


def is_bounded() -> bool:
    """Return whether this process is one of these, and may be ended by what it calls."""
    return bool(_own)


def ask_back(question: object) -> object:
    """Return the answer of the process that has called to a question: its `asked` gives it."""
    [(answers, messages)] = _own  # it is asked from within a call
    write_message(answers, Asked(question))
    return pickle.loads(messages.get())  # noqa: S301 -- of the process that started this one


def write_message(stream: IO[bytes], message: object) -> None:
    """Write a message. Raises `OSError` when nobody reads it any more, and what pickling it raises."""
    content = pickle.dumps(message)
    stream.write(len(content).to_bytes(_LENGTH, "big") + content)
    stream.flush()


def read_message(stream: IO[bytes]) -> bytes:
    """Return the next message, as it was pickled; empty at the end, also in the midst of one."""
    length = stream.read(_LENGTH)
    if len(length) < _LENGTH:
        return b""
    content = stream.read(int.from_bytes(length, "big"))
    return content if len(content) == int.from_bytes(length, "big") else b""


def main(modules: Sequence[str] = ()) -> None:
    """Import `modules`, which calls will need, and answer calls until the process that started this one ends, or closes
    its end.
    """
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing else may be written among the answers
    messages: SimpleQueue[bytes] = SimpleQueue()
    _own.append((answers, messages))
    _write_no_core()
    threading.Thread(target=_receive, args=[sys.stdin.buffer, messages], daemon=True).start()
    for name in modules:
        with suppress(Exception):  # what needs it says what is wrong
            import_module(name)
    while True:
        outcome = _outcome(messages.get())
        try:
            write_message(answers, outcome)
        except BrokenPipeError:
            os._exit(0)
        except Exception as error:  # what came of it cannot be pickled
            write_message(answers, Outcome(error=_unexpected(error), logged=outcome.logged))


def _receive(stream: BinaryIO, messages: SimpleQueue[bytes]) -> None:
    """Pass messages on, and end this process at their end, with what it has started: nobody waits for that."""
    try:
        while message := read_message(stream):
            messages.put(message)
    finally:
        if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
            os.killpg(os.getpgrp(), signal.SIGKILL)
        os._exit(0)


def _outcome(message: bytes) -> Outcome:
    logged = _Kept()
    root = logging.getLogger()
    root.addHandler(logged)
    try:
        call = pickle.loads(message)  # noqa: S301 -- of the process that started this one
        return Outcome(call.function(*call.arguments), logged=tuple(logged.messages))
    except Exception as error:
        said = tuple(logged.messages)
        if isinstance(error, Error):
            return Outcome(error=error, logged=said)
        place = traceback.format_exc()
        return Outcome(error=_portable(error), traceback=place, logged=said, lacks_memory=is_lack_of_memory(error))
    finally:
        root.removeHandler(logged)


def _portable(error: Exception) -> Exception:
    try:
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301 -- of this very process
    except Exception:
        return _unexpected(error)
    return error if isinstance(copy, type(error)) else _unexpected(error)


def _unexpected(error: Exception) -> Error:
    return SolverFailed(f"unexpected {type(error).__name__}: {error}")


def _write_no_core() -> None:
    """Have nothing written of a process that is ended for its size."""
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


class _Kept(logging.Handler):
    """Keeps messages for whoever called."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[tuple[str, int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append((record.name, record.levelno, record.getMessage()))
