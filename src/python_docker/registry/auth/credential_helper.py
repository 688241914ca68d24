"""Credential helpers: the programs `docker-credential-*` that keep credentials (docker-credential-helpers)."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress

from python_docker.errors import CredentialsError, reason_of
from python_docker.programs import Program, find_program, program_environment

_log = logging.getLogger("python_docker.registry")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")
_NOT_FOUND = {"credentials not found in native keychain", "no credentials server URL", "no credentials username"}
_TIMEOUT = 30.0  # seconds
_MAX_ANSWER = 1 << 20  # bytes


def ask_helper(name: str, server: str, environ: Mapping[str, str], *, must_exist: bool) -> tuple[str, str] | None:
    """Return the user name and secret that `docker-credential-<name>` has for `server`, None when it has none.

    Where the program is missing the answer is None too, unless it `must_exist`. It has 30 seconds to answer, in at
    most 1 MiB. Raises `CredentialsError`.
    """
    if not _NAME.fullmatch(name):
        raise CredentialsError(f"not the name of a credential helper: {name[:80]!r}")
    program = f"docker-credential-{name}"
    path = find_program(program, environ)
    if path is None:
        if must_exist:
            raise CredentialsError(
                f"the credentials for {server} are kept by the program {program}, which is not on PATH; "
                "install it, or take its entry out of credHelpers in Docker's config.json"
            )
        # Docker's own installers leave such entries behind, and most images need no credentials.
        _log.warning("the credential helper %s, named by credsStore, is not on PATH; going on without it", program)
        return None
    status, answer = _run(path, program, server, environ)
    output = answer.decode("utf-8", "replace").strip()
    if status != 0:
        # The message of a failed helper comes on its standard output.
        if output in _NOT_FOUND:
            return None
        reason = " ".join("".join(c if c.isprintable() else " " for c in output[:400]).split())[:200]
        reason = reason if reason and not reason.startswith("{") else "it did not say why"
        raise CredentialsError(f"{program} failed to give the credentials for {server}: {reason}")
    try:
        parsed = json.loads(output)
        username, secret = parsed["Username"], parsed["Secret"]
        if not isinstance(username, str) or not isinstance(secret, str):
            raise TypeError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise CredentialsError(f"{program} did not answer with credentials for {server}") from None
    return (username, secret) if secret else None


def _run(path: str, program: str, server: str, environ: Mapping[str, str]) -> tuple[int, bytes]:
    """Return exit status and output of a helper that is asked for `server`.

    It runs in an empty folder and in a session of its own, which ends whole: what it started as well may hold on to
    its output.
    """
    try:
        process = Program(
            [path, "get"],
            environ=program_environment(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            new_session=True,
        )
    except OSError as error:
        raise CredentialsError(f"{program} cannot be run: {reason_of(error)}") from None
    answer = bytearray()
    reader = threading.Thread(target=_exchange, args=(process, server, answer), daemon=True)
    try:
        reader.start()
        reader.join(_TIMEOUT)
        if reader.is_alive():
            raise CredentialsError(f"{program} gave no answer for {server} within {_TIMEOUT:.0f} seconds")
        if len(answer) > _MAX_ANSWER:
            raise CredentialsError(f"{program} answered with more than {_MAX_ANSWER >> 20} MiB for {server}")
        return process.wait(), bytes(answer)
    except BaseException:
        _end(process)
        raise


def _exchange(process: Program, server: str, answer: bytearray) -> None:
    """Ask, and read the answer and a byte more than may be, until the helper has ended.

    In a thread that nobody need wait for: what left the helper's session may hold the pipe open for ever.
    """
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(OSError, ValueError), process.stdin as question:
        question.write(server.encode())
    with suppress(OSError, ValueError), process.stdout as output:
        while len(answer) <= _MAX_ANSWER:
            data = output.read1(64 << 10)  # type: ignore[attr-defined]
            if not data:
                process.wait()
                return
            answer += data


def _end(process: Program) -> None:
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            # Its session's group has the number of its leader, and is there as long as one of it is.
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()  # pragma: no cover -- where there are no process groups: Windows
    process.wait()
