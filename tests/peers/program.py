"""Run another program to its end, in a bounded time, and say loudly what went wrong."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_TIMEOUT = 120.0
"""Seconds that a command of a peer may take when the test does not say otherwise."""


class PeerError(AssertionError):
    """A peer ended with another exit code than 0, or not in time; the message holds its command and output."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program with the options and the environment that each call of it gets.

    Calling it runs it. `check=False` returns a failed process instead of raising `PeerError`. Output is text in which
    bytes that are not UTF-8 survive as surrogates (`.stdout.encode(errors="surrogateescape")` gives the bytes back).

        >>> Program(Path("/bin/echo"))("hello").stdout
        'hello\\n'
    """

    path: Path
    options: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def __call__(
        self,
        *arguments: str | Path,
        timeout: float = DEFAULT_TIMEOUT,
        check: bool = True,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        command = [str(self.path), *self.options, *map(str, arguments)]
        return run(command, timeout=timeout, check=check, env={**self.environment, **(env or {})}, cwd=cwd, stdin=stdin)


def run(
    command: list[str],
    *,
    timeout: float = DEFAULT_TIMEOUT,
    check: bool = True,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command with `env` over this process's own environment; `timeout` is in seconds.

    Raises `PeerError` when the time is over or, unless `check` is False, when the exit code is not 0.
    """
    try:
        ended = subprocess.run(
            command,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=timeout,
            check=False,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            **({"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}),
        )
    except subprocess.TimeoutExpired as error:
        raise PeerError(f"{shlex.join(command)}\ndid not end within {timeout} s\n{_text(error.stderr)}") from None
    if check and ended.returncode != 0:
        raise PeerError(f"{shlex.join(command)}\nended with {ended.returncode}\n{ended.stderr}{ended.stdout}")
    return ended


def _text(output: bytes | str | None) -> str:
    return output.decode(errors="replace") if isinstance(output, bytes) else output or ""
