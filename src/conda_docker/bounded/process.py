"""BoundedProcess: a process of this very program that answers calls, from the side of who asks."""

from __future__ import annotations

import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO

from conda_docker.bounded.limit import NO_MEMORY, is_limited_by_user
from conda_docker.bounded.program import Asked, Call, Outcome, read_message, write_message
from conda_docker.errors import SolverFailed
from conda_docker.redaction import public_text
from python_docker.errors import Error
from python_docker.interruption import LOOKING, check_interruption
from python_docker.programs import PYTHON_FLAGS, Program
from python_docker.time_limit import at_most

# Most of what it does first is imports, among whose objects there is nothing to collect.
_PROGRAM = """import gc, sys; gc.set_threshold(100_000); sys.path[:] = {path!r}
from conda_docker.bounded.program import main; main({modules!r})"""
_LAST_WORDS = 2000  # bytes
_LEAVE = 1.0  # seconds; what is left to read of a process that has ended is there at once


class ProcessDied(SolverFailed):
    """A process that ended without an answer, for a reason that may not be there the next time."""


class TookTooMuch(SolverFailed):
    """A call that wanted more memory than it may have."""


class BoundedProcess:
    """A process that answers one call after the other.

    It imports `modules` before anything is asked of it, and ends with `close`, with this process however that ends, and
    with a call that is interrupted. Raises `SolverFailed` when it cannot be started.
    """

    def __init__(self, modules: Sequence[str] = ()) -> None:
        path = [os.path.abspath(folder) for folder in sys.path if folder]  # noqa: PTH100 -- links stay
        path.append(str(Path(__file__).absolute().parents[2]))  # it may be that of the working folder
        self._outcomes: SimpleQueue[bytes] = SimpleQueue()
        self._awaited = 0
        self._said = _scratch_file()
        try:
            self._program = Program(
                [sys.executable, *PYTHON_FLAGS, "-c", _PROGRAM.format(path=path, modules=list(modules))],
                # This very program goes on there: with relative paths and all variables of the user's.
                folder=Path(os.curdir),
                environ=os.environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                # Ctrl-C is for the process that waits, which ends this one.
                new_session=True,
            )
        except BaseException:
            self._said.close()
            raise
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._stdin, self._stdout = self._program.stdin, self._program.stdout
        self._reader = threading.Thread(target=self._read, args=[self._stdout], daemon=True)
        try:
            self._reader.start()
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._program.pid

    @property
    def is_idle(self) -> bool:
        """Whether it waits for a call."""
        return not self._awaited and self._lives

    @property
    def is_busy(self) -> bool:
        """Whether a call is under way."""
        return self._awaited > 0 and self._lives

    @property
    def _lives(self) -> bool:
        return not self._said.closed and self._program.poll() is None

    def call(
        self, function: Callable[..., object], *arguments: object, asked: Callable[[object], object] | None = None
    ) -> object:
        """Return what a function of a module returns there. What it asks back, `asked` answers.

        Raises what the function raises, `TookTooMuch` where that takes too much memory, `ProcessDied` where it ends
        the process, `OutOfTime` at the end of a `time_limit`, and `KeyboardInterrupt`; the process has ended after
        these.
        """
        self.send(function, *arguments)
        return self.receive(asked)

    def send(self, function: Callable[..., object], *arguments: object) -> None:
        """Have a function called, and go on: `receive` gives what came of it."""
        self._awaited += 1
        self._write(Call(function, arguments))

    def receive(self, asked: Callable[[object], object] | None = None, *, log: bool = True) -> object:
        """Return what came of the first call that was sent and not yet received; raises what `call` raises.

        Without `log`, what was logged there is not logged here.
        """
        try:
            while isinstance(message := self._next(), Asked):
                assert asked is not None, "only who can answer calls what asks back"
                self._write(asked(message.question))
        except BaseException:
            self.close()
            raise
        assert isinstance(message, Outcome)
        self._awaited -= 1
        for logger, level, text in message.logged if log else ():
            logging.getLogger(logger).log(level, "%s", text)
        if message.lacks_memory:
            self.close()
            raise _lack_of_memory() from RuntimeError(message.traceback)
        if message.error is None:
            return message.value
        if isinstance(message.error, Error):
            raise message.error
        raise message.error from RuntimeError(message.traceback)  # for --debug

    def close(self) -> None:
        """End the process, whatever it is at."""
        self._kill()
        self._program.wait()
        self._reader.join(_LEAVE)
        for stream in (self._stdin, self._said):
            with suppress(OSError):
                stream.close()
        if not self._reader.is_alive():  # else this program is ending, and its threads stand still
            self._stdout.close()

    def _kill(self) -> None:
        """End the process, and what it has started."""
        if self._program.returncode is not None:  # its number may be another's by now
            return
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._program.pid, signal.SIGKILL)
            return
        with suppress(OSError):
            self._stdin.close()  # at which it ends by itself, whatever it is at
        try:
            self._program.wait(_LEAVE)
        except subprocess.TimeoutExpired:
            self._program.kill()

    def _write(self, message: object) -> None:
        with suppress(BrokenPipeError):  # it has ended; why, is said where its answer is waited for
            write_message(self._stdin, message)

    def _next(self) -> object:
        while True:
            check_interruption()
            try:
                message = self._outcomes.get(timeout=at_most(LOOKING))
            except Empty:
                if self._reader.is_alive() or not self._outcomes.empty():
                    continue
                message = b""
            if not message:
                raise self._death()
            return pickle.loads(message)  # noqa: S301 -- of the process that was started here

    def _read(self, stream: IO[bytes]) -> None:
        message = b""
        try:
            with stream:
                while message := read_message(stream):
                    self._outcomes.put(message)
        except (OSError, ValueError):  # it is being closed
            pass
        finally:
            if not message:
                self._outcomes.put(b"")

    def _death(self) -> Exception:
        """Return the error to raise for a process that gave no answer."""
        self._kill()  # it may have closed its standard output alone
        code = self._program.wait()
        self._said.seek(max(0, self._said.seek(0, os.SEEK_END) - _LAST_WORDS))
        said = self._said.read().decode(errors="replace")
        if NO_MEMORY in said:
            return _lack_of_memory()
        lines = public_text(said).strip().splitlines()
        last = f": {lines[-1].strip()[:200]}" if lines else ""
        return ProcessDied(f"the process that solves ended without an answer (exit code {code}){last}")


def _lack_of_memory() -> Exception:
    return MemoryError() if is_limited_by_user() else TookTooMuch("this takes more memory than it may have")


def _scratch_file() -> IO[bytes]:
    """Return a file without a name, for what a process says before it ends."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("said"), "w+b")
    import tempfile

    return tempfile.TemporaryFile()
