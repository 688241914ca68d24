"""Other programs: the one place that starts them, so that none of them runs code of the folder the user is in.

A program starts in an empty folder of its own, without the environment variables that have interpreters load code, and
is looked for only in absolute folders of PATH. A Python is started with `PYTHON_FLAGS`.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import IO

from python_docker.files.atomic import PartialFolder

PYTHON_FLAGS = ("-I",)
"""What a Python 3.4 or later is started with: neither the working folder nor PYTHON* variables bring modules."""

MAX_OUTPUT = 64 << 20
"""Bytes that a program may print on each of its outputs where all of it is wanted."""

Stream = int | IO[bytes] | None
Argument = str | os.PathLike[str]

_CHUNK = 1 << 16
_AFTER_DEATH = 5  # seconds in which the outputs of a program that was killed are closed

# What has an interpreter load code before the program that it is started for.
_LOADING = frozenset({"BASH_ENV", "ENV", "NODE_OPTIONS", "PERL5DB", "PERL5LIB", "PERL5OPT", "RUBYLIB", "RUBYOPT"})
# What the programs that are started here read from a path in a variable.
_PATHS = frozenset(
    {
        *("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "CONDARC", "CURL_CA_BUNDLE", "DOCKER_CERT_PATH"),
        *("DOCKER_CONFIG", "GOOGLE_APPLICATION_CREDENTIALS", "MAMBARC", "REGISTRY_AUTH_FILE", "REQUESTS_CA_BUNDLE"),
        *("SSL_CERT_DIR", "SSL_CERT_FILE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"),
    }
)


class Program(subprocess.Popen[bytes]):
    """A running program, in an empty folder that is removed once the program has ended and has been waited for.

    `environ` are the variables it gets, `program_environment()` by default. With `folder` it runs there instead: in a
    folder that was made for it, or for this project's own command line, whose arguments are relative to it. With
    `new_session` it leads a session of its own, so that all that it starts can be ended with it. `memory` is how many
    bytes it may have, and each program that it starts (on Linux; elsewhere nothing enforces it).

    Raises `OSError` when it cannot be started.
    """

    def __init__(
        self,
        command: Sequence[Argument],
        *,
        environ: Mapping[str, str] | None = None,
        stdin: Stream = subprocess.DEVNULL,
        stdout: Stream = None,
        stderr: Stream = None,
        folder: Path | None = None,
        new_session: bool = False,
        memory: int | None = None,
    ) -> None:
        self._leaving = threading.Lock()
        self._folder = None if folder else _empty_folder()
        if environ is None:
            environ = program_environment()
        try:
            super().__init__(
                [os.fspath(argument) for argument in command],
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                cwd=folder or (self._folder.path if self._folder else None),
                env=dict(environ),
                start_new_session=new_session,
            )
        except BaseException:
            self._leave()
            raise
        if memory is not None:
            _bound(self.pid, memory)

    def wait(self, timeout: float | None = None) -> int:
        """Wait until the program has ended; return its exit code. Raises `subprocess.TimeoutExpired`."""
        code = super().wait(timeout)
        self._leave()
        return code

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            super().__exit__(kind, error, trace)
        finally:
            self._leave()  # after Ctrl-C nobody waits

    def _leave(self) -> None:
        """Remove the folder, once: several threads may wait for the same program."""
        with self._leaving:
            if self._folder is not None:
                self._folder.abort()
                self._folder = None


def _empty_folder() -> PartialFolder:
    """Make a folder for a program; one that a process left which was killed is removed by the next."""
    import tempfile  # which takes long to import, and who runs its own command line needs no such folder

    return PartialFolder(Path(tempfile.gettempdir()), "conda-docker", private=True)


def _bound(pid: int, memory: int) -> None:
    """Have a program that has just begun get no more memory than that which it can write to and shares with nobody."""
    if sys.platform != "linux":
        return
    import resource

    with suppress(ProcessLookupError):  # it has ended already
        limits = resource.prlimit(pid, resource.RLIMIT_DATA)
        resource.prlimit(pid, resource.RLIMIT_DATA, lowered(limits, memory))


def lowered(limits: tuple[int, int], wanted: int) -> tuple[int, int]:
    """Return the limits of a process with a soft one that is at most `wanted`, for `resource.setrlimit`.

    >>> import resource
    >>> lowered((resource.RLIM_INFINITY, 9), 5), lowered((3, resource.RLIM_INFINITY), 5) == (3, resource.RLIM_INFINITY)
    ((5, 9), True)
    """
    import resource

    return min([wanted, *(each for each in limits if each != resource.RLIM_INFINITY)]), limits[1]


def run_program(
    command: Sequence[Argument],
    *,
    environ: Mapping[str, str] | None = None,
    input: bytes | None = None,
    timeout: float | None = None,
    folder: Path | None = None,
    keep: int | None = None,
    memory: int | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end and return its exit code and what it printed, `MAX_OUTPUT` bytes of each at most.

    Its standard input is `input`, or empty. `timeout` is in seconds. With `keep` it may print as much as it likes, and
    the last `keep` bytes of each of its outputs are returned and held in memory. `memory` is how many bytes it may
    have itself. Raises `OSError` when it cannot be started, or prints more, and `subprocess.TimeoutExpired` when it
    takes longer; it is killed then.
    """
    stdin = subprocess.DEVNULL if input is None else subprocess.PIPE
    pipe = subprocess.PIPE
    with Program(
        command, environ=environ, stdin=stdin, stdout=pipe, stderr=pipe, folder=folder, memory=memory
    ) as program:
        try:
            printed, errors = _outputs(program, command, input, timeout, keep)
        except BaseException:
            program.kill()
            raise
        return subprocess.CompletedProcess(command, program.wait(), printed, errors)


def _outputs(
    program: Program, command: Sequence[Argument], given: bytes | None, timeout: float | None, keep: int | None
) -> tuple[bytes, bytes]:
    """Read both outputs to their ends, and wait until the program has ended as well."""
    outputs: list[_Output] = []
    for stream in (program.stdout, program.stderr):
        assert stream is not None
        with stream:  # who reads a pipe to its end alone has it open
            outputs.append(_Output(os.dup(stream.fileno()), keep))
    ended: SimpleQueue[_Output] = SimpleQueue()
    works = [partial(output.read, ended) for output in outputs]
    if program.stdin is not None:
        with program.stdin as stream:
            works.append(partial(_give, os.dup(stream.fileno()), given or b""))
    # Threads that nobody need wait for: what the program started may hold on to its outputs.
    threads = [threading.Thread(target=work, daemon=True) for work in works]
    for thread in threads:
        thread.start()
    deadline = None if timeout is None else time.monotonic() + timeout
    try:
        for _ in outputs:
            if ended.get(timeout=_left(deadline)).is_too_long:
                name = Path(command[0]).name
                raise OSError(errno.EFBIG, f"{name} prints more than {MAX_OUTPUT >> 20} MiB")
        program.wait(_left(deadline))
    except Empty:
        raise subprocess.TimeoutExpired(program.args, timeout or 0.0) from None
    finally:
        if program.returncode is None:
            program.kill()
            for thread in threads:
                thread.join(_AFTER_DEATH)
    return bytes(outputs[0].content), bytes(outputs[1].content)


class _Output:
    """What comes out of a pipe: all of it, up to `MAX_OUTPUT` bytes, or its last `keep` bytes."""

    def __init__(self, pipe: int, keep: int | None) -> None:
        """Take over the file descriptor `pipe`."""
        self._pipe = open(pipe, "rb", buffering=0)  # noqa: SIM115 -- closed by who reads it
        self._keep = keep
        self.content = bytearray()
        self.is_too_long = False

    def read(self, ended: SimpleQueue[_Output]) -> None:
        """Read it to its end, or to where it is too long, and say so."""
        with self._pipe as pipe:
            while not self.is_too_long and (chunk := pipe.read(_CHUNK)):
                self.content += chunk
                if self._keep is not None:
                    del self.content[: -self._keep]
                else:
                    self.is_too_long = len(self.content) > MAX_OUTPUT
        ended.put(self)


def _give(pipe: int, content: bytes) -> None:
    left = memoryview(content)
    with open(pipe, "wb", buffering=0) as file, suppress(OSError):  # it need not read everything
        while left:
            left = left[file.write(left) :]


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def limited(command: Sequence[Argument], *, memory: int, file_size: int | None = None) -> list[str]:
    """Return the command line of a program of which no process may have more memory, or write larger files.

    Sizes are in bytes. Systems that know no such limit, and Windows, run it without.
    """
    words = [os.fspath(argument) for argument in command]
    if os.name != "posix":
        return words  # pragma: no cover -- Windows
    limits = f"ulimit -v {memory >> 10}" + (f"; ulimit -f {file_size >> 9}" if file_size is not None else "")
    return ["/bin/sh", "-c", f'{{ {limits}; }} 2>/dev/null; exec "$@"', "sh", *words]


def find_program(name: Argument, environ: Mapping[str, str] | None = None) -> str | None:
    """Return the absolute path of a program, or None.

    A name is looked for in the absolute folders of PATH; a path is relative to the working folder.
    """
    if os.path.dirname(name):  # noqa: PTH120 -- "./python" is a path, and Path("./python") a name
        found = shutil.which(name)
        return os.path.abspath(found) if found else None  # noqa: PTH100 -- links stay: they may be what it looks at
    found = shutil.which(name, path=search_path(os.environ if environ is None else environ))
    # On Windows, the working folder is looked into as well.
    return found if found and os.path.isabs(found) else None  # noqa: PTH117


def search_path(environ: Mapping[str, str]) -> str:
    """Return PATH without its relative folders, which depend on the working folder.

    >>> search_path({"PATH": os.pathsep.join(["", ".", os.path.abspath("/bin")])}) == os.path.abspath("/bin")
    True
    """
    folders = environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if Path(folder).is_absolute())


def program_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables for a program of the user's choice: all of the user's but those that load code.

    Paths of configuration and certificates become absolute: the program has another working folder.

    >>> program_environment({"HOME": "/home/me", "PYTHONPATH": "/home/me/project"})["HOME"]
    '/home/me'
    """
    given = os.environ if environ is None else environ
    kept = {name: value for name, value in given.items() if not name.startswith("PYTHON") and name not in _LOADING}
    if "PATH" in kept:
        kept["PATH"] = search_path(kept)
    for name in _PATHS.intersection(kept):
        if kept[name] and not kept[name].startswith("~"):
            kept[name] = os.path.abspath(kept[name])  # noqa: PTH100 -- not resolved: a link may change
    return kept
