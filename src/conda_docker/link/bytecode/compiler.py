"""Byte-compiling the modules of `noarch: python` packages, as conda does when it installs them.

conda lets the environment's Python compile them in place; here a Python of the same version on this machine does, and
the result is reproducible: `.pyc` files are of the unchecked-hash kind (PEP 552) and hold no time. They name their
source by its absolute path in the image: what an interpreter there would write itself, so that it need not correct the
name in every code object at each import, as it does for the relative paths of conda (importlib, _compile_bytecode).
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from conda_docker.errors import CompilerFailed
from conda_docker.link.bytecode.worker import CRASHED, request

if TYPE_CHECKING:
    from types import TracebackType

_FORKS = hasattr(os, "fork")
_MIN_VERSION = (3, 7)  # the first with unchecked-hash .pyc files
_PROBE = (
    "import sys, json, importlib.util; json.dump([sys.implementation.name, list(sys.version_info[:3]),"
    " sys.implementation.cache_tag, importlib.util.MAGIC_NUMBER.hex(), sys.executable], sys.stdout)"
)
_PROBE_SECONDS = 30
_PATIENCE = 10  # seconds that a process may take to end


class Module(NamedTuple):
    """A module to compile: its absolute path in the image, and its source."""

    path: str
    source: bytes


class DoesNotCompile(NamedTuple):
    """A module that is no Python of this version, with what the interpreter says of it."""

    reason: str


class Compiler:
    """A Python on this machine that byte-compiles, in as many processes as there are processors.

    `version` is such as "3.12.1", `tag` what its `.pyc` files are named by ("cpython-312"), and `magic` a text for
    layer keys: two compilers with the same give the same bytes. Its processes end when it is closed, by `close` or as a
    context manager, or is no longer in use.
    """

    def __init__(self, executable: Path, version: tuple[int, int, int], tag: str, magic_number: str) -> None:
        self.executable = executable
        self.version = ".".join(map(str, version))
        self.tag = tag
        self.magic = f"{self.version}-{magic_number}"
        self._lock = threading.Lock()
        self._threads: ThreadPoolExecutor | None = None
        self._idle: queue.SimpleQueue[subprocess.Popen[bytes]] = queue.SimpleQueue()
        self._finalizer = weakref.finalize(self, _stop, self._idle)

    @property
    def minor_version(self) -> str:
        """Its version as far as it matters to packages: "3.12"."""
        return self.version.rpartition(".")[0]

    def compile(self, modules: Sequence[Module]) -> Future[list[bytes | DoesNotCompile]]:
        """The `.pyc` files of some modules, or why there is none, in their order; made in the background.

        In details, the bytes depend on which modules are compiled together, and on nothing else. The result raises
        `CompilerFailed` when the interpreter cannot be run any more.
        """
        with self._lock:  # layers may be written by several threads
            if self._threads is None:
                self._threads = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="byte-compile")
            return self._threads.submit(_compile, self.executable, self._idle, modules)

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
        return f"<Compiler {self.executable} {self.magic}>"


def find_compiler(python_version: str, candidates: Iterable[Path] = ()) -> Compiler | None:
    """A compiler for a CPython of this minor version ("3.12"), None where there is none.

    Tried in turn: this process's own Python, `python3.12` on PATH, then `candidates`.

    >>> find_compiler(".".join(map(str, sys.version_info[:2]))).minor_version == sys.version[:4].rstrip(".")
    True
    """
    for executable in (Path(sys.executable or "python"), shutil.which(f"python{python_version}"), *candidates):
        if executable is not None:
            compiler = probe_compiler(Path(executable))
            if compiler is not None and compiler.minor_version == python_version:
                return compiler
    return None


def probe_compiler(executable: Path) -> Compiler | None:
    """The compiler that `executable` is; None if it cannot be run or cannot make reproducible `.pyc` files."""
    found = _probe(executable)
    return None if found is None else Compiler(*found)


@cache
def _probe(executable: Path) -> tuple[Path, tuple[int, int, int], str, str] | None:
    if str(executable) == sys.executable and executable.name.startswith("python"):
        # This process's own, and no program that Python is embedded in: that need not be run to be known.
        return _itself(executable)
    try:
        answer = subprocess.run(
            [executable, "-sS", "-c", _PROBE],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PROBE_SECONDS,
            check=True,
            env=_environment(),
        )
        implementation, (major, minor, micro), tag, magic_number, itself = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError, TypeError):
        return None
    if implementation != "cpython" or (major, minor) < _MIN_VERSION:
        return None
    return Path(itself or executable), (major, minor, micro), str(tag), str(magic_number)


def _itself(executable: Path) -> tuple[Path, tuple[int, int, int], str, str] | None:
    from importlib.util import MAGIC_NUMBER

    if sys.implementation.name != "cpython":
        return None
    return executable, sys.version_info[:3], str(sys.implementation.cache_tag), MAGIC_NUMBER.hex()


def _environment() -> dict[str, str]:
    # Before Python 3.11, the order of set constants in a .pyc depends on the hashes of texts.
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return own | {"PYTHONHASHSEED": "0"}


@cache
def _worker_source() -> str:
    return Path(__file__).with_name("worker.py").read_text(encoding="utf-8")


def _start(executable: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [executable, "-sSB", "-c", _worker_source()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
    )


def _compile(
    executable: Path, idle: queue.SimpleQueue[subprocess.Popen[bytes]], modules: Sequence[Module]
) -> list[bytes | DoesNotCompile]:
    """Have modules compiled by an idle process, or by a new one; runs in a thread of its own."""
    try:
        worker: subprocess.Popen[bytes] | None = idle.get_nowait()
    except queue.Empty:
        worker = None
    try:
        worker = worker or _start(executable)
        compiled = _ask(worker, modules)
    except (OSError, EOFError) as error:
        if worker is None or _end(worker) != CRASHED:
            raise CompilerFailed(f"cannot byte-compile with {executable}: {error}") from error
        if len(modules) == 1:
            return [DoesNotCompile("the interpreter crashed")]
        return [answer for module in modules for answer in _compile(executable, idle, [module])]
    if _FORKS:
        idle.put(worker)
    else:
        _end(worker)
    return compiled


def _ask(worker: subprocess.Popen[bytes], modules: Sequence[Module]) -> list[bytes | DoesNotCompile]:
    """Send a request and read the answers; see `worker`."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(request([(module.path.encode("utf-8", "surrogateescape"), module.source) for module in modules]))
    worker.stdin.flush()
    compiled: list[bytes | DoesNotCompile] = []
    for module in modules:
        head = worker.stdout.read(5)
        body = worker.stdout.read(int.from_bytes(head[1:], "little"))
        if len(head) < 5 or len(body) < int.from_bytes(head[1:], "little"):
            raise EOFError(f"it ended while it compiled {module.path}")
        compiled.append(DoesNotCompile(body.decode("utf-8", "replace")) if head[0] else body)
    return compiled


def _stop(idle: queue.SimpleQueue[subprocess.Popen[bytes]]) -> None:
    while True:
        try:
            _end(idle.get_nowait())
        except queue.Empty:
            return


def _end(worker: subprocess.Popen[bytes]) -> int:
    """Have a process end, and give its exit code."""
    # Without requests it ends by itself.
    for pipe in (worker.stdin, worker.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except OSError:
                continue
    try:
        return worker.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        worker.kill()
        return worker.wait()
