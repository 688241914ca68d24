"""EngineCommand: Docker or Podman through the `docker` or `podman` command, where no API can be reached."""

from __future__ import annotations

import io
import json
import re
import secrets
import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from typing import IO, Any, BinaryIO

from python_docker.docker.loading import loaded_names
from python_docker.docker.process import Process
from python_docker.errors import EngineError, EngineNotFound, NotFound, reason_of
from python_docker.programs import Program, run_program
from python_docker.spec.digest import Digest
from python_docker.spec.reference import ImageReference

_COPY_SIZE = 1 << 20
_GREETING = 60.0
"""Seconds for what takes an engine no time."""
_SHOWN = 2000
_NOT_THERE = re.compile(r"no such (image|object)|not known|manifest unknown|not found|does not exist", re.IGNORECASE)
_PUSHED = re.compile(r"digest: (sha256:[0-9a-f]{64})")


class EngineCommand:
    """The engine behind a command. `name` is the command's."""

    def __init__(self, program: str) -> None:
        """Ask for its version, which the docker command has to ask its engine for. Raises `EngineNotFound`."""
        self.name = program
        try:
            ended = run_program([program, "version"], timeout=_GREETING)
        except subprocess.TimeoutExpired:
            raise EngineNotFound(f"`{program} version` does not end") from None
        except OSError as error:
            raise EngineNotFound(f"`{program}` cannot be run: {reason_of(error)}") from None
        if ended.returncode != 0:
            raise EngineNotFound(f"`{program} version` fails: {_last_words(ended.stderr) or 'it does not say why'}")

    def __repr__(self) -> str:
        return f"<EngineCommand {self.name}>"

    def loading(self) -> ArchivePipe:
        """Begin to load a docker archive."""
        command = [self.name, "load"]
        # Files, since a pipe that nobody empties would block it.
        with ExitStack() as files:
            printed, errors = (files.enter_context(tempfile.TemporaryFile()) for _ in range(2))
            process = Program(command, stdin=subprocess.PIPE, stdout=printed, stderr=errors)
            files.pop_all()
        return ArchivePipe(command, process, printed, errors)

    def save(self, name: str, write: Callable[[bytes], object]) -> None:
        """Pass an image to `write`, piece by piece, as a docker archive. Raises `NotFound` when it is not there."""
        command = [self.name, "save", name]
        with tempfile.TemporaryFile() as errors:
            with Program(command, stdout=subprocess.PIPE, stderr=errors) as process:
                assert process.stdout is not None
                try:
                    while data := process.stdout.read(_COPY_SIZE):
                        write(data)
                except BaseException:
                    process.kill()
                    raise
            if process.returncode != 0:
                raise _failure(command, process.returncode, _content(errors))

    def pull(self, reference: ImageReference) -> None:
        """Pull an image from its registry. Raises `NotFound` when the registry has none."""
        self._run("pull", str(reference))

    def push(self, reference: ImageReference) -> Digest | None:
        """Push an image to its registry; gives the digest of the manifest there, if the engine reports it."""
        told = _PUSHED.search(self._run("push", reference.familiar).decode(errors="replace"))
        return Digest(told[1]) if told else None

    def tag(self, name: str, reference: ImageReference) -> None:
        """Tag an image with another name. Raises `NotFound` when there is no image `name`."""
        self._run("tag", name, reference.familiar, seconds=_GREETING)

    def inspect(self, name: str) -> dict[str, Any]:
        """Return what the engine knows of an image, in its words: Id, RepoTags, Config, RootFS... Raises `NotFound`."""
        printed = self._run("image", "inspect", name, seconds=_GREETING)
        try:
            found = json.loads(printed)[0]
        except (ValueError, RecursionError, LookupError, TypeError):
            found = None
        if not isinstance(found, dict):
            raise EngineError(f"`{self.name} image inspect {name}` printed something else than it should")
        return found

    def run(
        self, name: str, process: Process, stdout: Callable[[bytes], object], stderr: Callable[[bytes], object]
    ) -> int:
        """Run a process in a new container, which is removed afterwards, and give its exit code.

        What it prints goes to `stdout` and `stderr` piece by piece. The image is pulled when it is not there.
        """
        container = f"conda-docker-{secrets.token_hex(8)}"
        command = [self.name, "run", "--rm", "--name", container]
        if process.entrypoint:
            command += ["--entrypoint", process.entrypoint]
        command += [name, *process.arguments]
        with Program(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
            assert running.stdout is not None
            assert running.stderr is not None
            errors = threading.Thread(target=_pass_on, args=(running.stderr, stderr), daemon=True)
            errors.start()
            try:
                _pass_on(running.stdout, stdout)
                running.wait()
            except BaseException:
                running.kill()
                with suppress(EngineError, NotFound):
                    self._run("rm", "--force", container)
                raise
            finally:
                errors.join()
        return running.returncode

    def _run(self, *arguments: str, seconds: float | None = None) -> bytes:
        command = [self.name, *arguments]
        try:
            ended = run_program(command, timeout=seconds)
        except subprocess.TimeoutExpired:
            raise EngineError(f"`{' '.join(command)}` does not end") from None
        except OSError as error:
            raise EngineError(f"`{' '.join(command)}` cannot be run: {reason_of(error)}") from None
        if ended.returncode != 0:
            raise _failure(command, ended.returncode, ended.stderr)
        return ended.stdout


class ArchivePipe:
    """The input of the command that loads images. `loaded` has their names after `commit`, the IDs of nameless ones."""

    def __init__(self, command: Sequence[str], process: Program, printed: BinaryIO, errors: BinaryIO) -> None:
        assert process.stdin is not None
        self.loaded: list[str] = []
        self._command = command
        self._process = process
        self._input = process.stdin
        self._printed = printed
        self._errors = errors

    def write(self, data: bytes) -> None:
        """Send a piece. Raises `EngineError` with the command's reason when it takes no more."""
        try:
            self._input.write(data)
        except OSError:
            self.commit()
            raise EngineError(f"`{' '.join(self._command)}` ended before it had the whole archive") from None

    def commit(self) -> None:
        """End the archive. Raises `EngineError` with the command's reason when it could not load it."""
        try:
            with suppress(BrokenPipeError):
                self._input.close()
            if self._process.wait() != 0:
                failure = _failure(self._command, self._process.returncode, _content(self._errors))
                raise EngineError(str(failure))
            self.loaded = loaded_names(_content(self._printed).decode(errors="replace").splitlines())
        finally:
            self.abort()

    def abort(self) -> None:
        """Stop the command. An archive without an end is not loaded."""
        if self._process.poll() is None:
            self._process.kill()
        with suppress(OSError):
            self._input.close()
        self._process.wait()
        self._printed.close()
        self._errors.close()


def _pass_on(pipe: IO[bytes], sink: Callable[[bytes], object]) -> None:
    """Pass each piece of a pipe to `sink` as it comes."""
    assert isinstance(pipe, io.BufferedReader)
    while data := pipe.read1(_COPY_SIZE):
        sink(data)


def _content(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(_COPY_SIZE)


def _failure(command: Sequence[str], code: int, errors: bytes) -> EngineError | NotFound:
    words = _last_words(errors) or f"exit code {code}"
    message = f"`{' '.join(command)}` failed: {words}"
    return NotFound(message) if _NOT_THERE.search(words) else EngineError(message)


def _last_words(errors: bytes) -> str:
    return errors.decode(errors="replace").strip()[-_SHOWN:]
