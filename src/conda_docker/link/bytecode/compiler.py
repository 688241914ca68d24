"""Byte-compiling the modules of `noarch: python` packages, as conda does when it installs them.

conda lets the environment's Python compile them in place; here a Python of exactly the same version does, and the
result is reproducible: `.pyc` files are of the unchecked-hash kind (PEP 552) and hold no time. They name their source
by its absolute path in the image: what an interpreter there would write itself, so that it need not correct the name in
every code object at each import, as it does for the relative paths of conda (importlib, _compile_bytecode).
"""

from __future__ import annotations

import os
import queue
import subprocess
import threading
import weakref
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from conda_docker.errors import CompilerFailed
from conda_docker.link.bytecode.worker import MAX_SECONDS, OUT_OF_MEMORY, READY, request
from python_docker.errors import reason_of
from python_docker.programs import PYTHON_FLAGS, Program, limited

if TYPE_CHECKING:
    from types import TracebackType

    from conda_docker.link.bytecode.python_program import PythonProgram

MAX_MEMORY = 1 << 30
"""Bytes of address space for a process that compiles. Honest modules need a small part of it."""

_PATIENCE = 10  # seconds that a process may take to end
_SIGPROF = 27  # the timer of `worker.limit_time`; Linux and macOS agree on it


class Module(NamedTuple):
    """A module to compile: its absolute path in the image, and its source."""

    path: str
    source: bytes


class DoesNotCompile(NamedTuple):
    """A module that has no `.pyc` file, and the reason: what the interpreter says, or the limit that it reached."""

    reason: str


class Compiler:
    """Byte-compiles with one Python, in as many processes as there are processors.

    Its processes end when it is closed, by `close` or as a context manager, or is no longer in use.
    """

    def __init__(self, python: PythonProgram) -> None:
        self.python = python
        self.tag = python.tag
        self._lock = threading.Lock()
        self._threads: ThreadPoolExecutor | None = None
        self._idle: queue.SimpleQueue[Program] = queue.SimpleQueue()
        self._finalizer = weakref.finalize(self, _stop, self._idle)

    @property
    def minor_version(self) -> str:
        """The version of its Python, in the form that matters to packages: "3.12"."""
        return self.python.minor_version

    def compile(self, modules: Sequence[Module]) -> Future[list[bytes | DoesNotCompile]]:
        """Return the `.pyc` files of some modules, or why there is none, in their order; made in the background.

        The bytes depend on the version of Python and on the module alone. The result raises `CompilerFailed` when the
        interpreter cannot be run any more.
        """
        with self._lock:  # layers may be written by several threads
            if self._threads is None:
                self._threads = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="byte-compile")
            return self._threads.submit(_compile, self.python, self._idle, modules)

    def close(self) -> None:
        """End its processes. It starts new ones when it is used again."""
        with self._lock:
            threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(cancel_futures=True)
        _stop(self._idle)

    def __enter__(self) -> Compiler:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Compiler of Python {self.python.version}>"


@cache
def _sources() -> list[str]:
    """Return the program that compiles, and what it is given as its argument."""
    return [Path(__file__).with_name(name).read_text(encoding="utf-8") for name in ("worker.py", "powers.py")]


def worker_command(python: PythonProgram) -> list[str]:
    """Return the command line of a process that compiles."""
    return limited([*python.command, *_flags(python), "-c", *_sources()], memory=MAX_MEMORY)


def _flags(python: PythonProgram) -> list[str]:
    numbers = tuple(map(int, python.minor_version.split(".")))
    if numbers >= (3, 11):
        return [*PYTHON_FLAGS, "-S", "-B", "-X", "utf8=1", "-X", "frozen_modules=on"]
    # The order of a set in a .pyc file depends on the hashes of strings, and -I would have them random. So it is
    # isolated by what it is given: no variable but this one, and an empty working folder.
    return ["-s", "-S", "-B", "-X", "utf8=1"]


def _start(python: PythonProgram) -> Program:
    """Start a process. Raises `OSError`, `EOFError`."""
    worker = Program(
        worker_command(python),
        environ={**python.environ, "PYTHONHASHSEED": "0"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert worker.stdout is not None
    if worker.stdout.read(len(READY)) != READY:
        raise EOFError(f"it ended with exit code {_end(worker)} before it was ready")
    return worker


def _compile(
    python: PythonProgram, idle: queue.SimpleQueue[Program], modules: Sequence[Module]
) -> list[bytes | DoesNotCompile]:
    """Have modules compiled by an idle process, or by a new one; runs in a thread of its own."""
    compiled: list[bytes | DoesNotCompile] = []
    while len(compiled) < len(modules):
        try:
            worker, fresh = idle.get_nowait(), False
        except queue.Empty:
            try:
                worker, fresh = _start(python), True
            except (OSError, EOFError) as error:
                raise CompilerFailed(f"cannot byte-compile with {python.command[0]}: {reason_of(error)}") from error
        rest = modules[len(compiled) :]
        answers = _ask(worker, rest)
        compiled += answers
        if len(answers) == len(rest):
            idle.put(worker)
            break
        # It ended while it compiled a module. That is the module's fault if it was its first; what it compiled before
        # may have taken the memory, for one.
        code = _end(worker)
        if fresh and not answers:
            compiled.append(DoesNotCompile(_reason(code)))
    return compiled


def _ask(worker: Program, modules: Sequence[Module]) -> list[bytes | DoesNotCompile]:
    """Send a request and read the answers until there are no more; see `worker`."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    compiled: list[bytes | DoesNotCompile] = []
    try:
        asked = [(module.path.encode("utf-8", "surrogateescape"), module.source) for module in modules]
        worker.stdin.write(request(asked))
        worker.stdin.flush()
        for _ in modules:
            head = worker.stdout.read(5)
            body = worker.stdout.read(int.from_bytes(head[1:], "little"))
            if len(head) < 5 or len(body) < int.from_bytes(head[1:], "little"):
                break
            compiled.append(DoesNotCompile(body.decode("utf-8", "replace")) if head[0] else body)
    except OSError:
        pass  # it ended before it had read all
    return compiled


def _reason(code: int) -> str:
    # A sandbox and a shell give the signal that ended a program as a number above 128.
    if code in (-_SIGPROF, 128 + _SIGPROF):
        return f"compiling it takes more than {MAX_SECONDS} seconds"
    if code == OUT_OF_MEMORY:
        return f"compiling it takes more than {MAX_MEMORY >> 20} MiB of memory"
    return f"the interpreter crashed (exit code {code})"


def _stop(idle: queue.SimpleQueue[Program]) -> None:
    while True:
        try:
            _end(idle.get_nowait())
        except queue.Empty:
            return


def _end(worker: Program) -> int:
    """Have a process end, and give its exit code."""
    # Without requests it ends by itself.
    assert worker.stdin is not None
    assert worker.stdout is not None
    for pipe in (worker.stdin, worker.stdout):
        try:
            pipe.close()
        except OSError:
            continue
    try:
        return worker.wait(_PATIENCE)
    except subprocess.TimeoutExpired:  # pragma: no cover -- a process that does not end when its input does
        worker.kill()
        return worker.wait()
