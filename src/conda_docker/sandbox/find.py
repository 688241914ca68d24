"""Which sandbox this machine has: the first that works."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from conda_docker.errors import SandboxUnavailable
from conda_docker.sandbox.bubblewrap import bubblewrap_command
from conda_docker.sandbox.namespaces import by_itself, namespaces_command
from conda_docker.sandbox.view import View
from python_docker.errors import reason_of
from python_docker.programs import Argument, find_program, run_program

_PROBE_SECONDS = 20
_WHAT = "programs of packages run only in a sandbox"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A sandbox that works on this machine; `name` says what makes it, `program` is the path of what is started."""

    name: str
    program: str
    _build: Callable[[str, Sequence[str], View], list[str]]

    def command(self, arguments: Sequence[Argument], view: View) -> list[str]:
        """Return the command line that runs `arguments`, the first of them an absolute path, with that view.

        It must be started in an empty folder, as `python_docker.programs` does, and with variables that nobody else
        has chosen: those of the view are set in the sandbox.
        """
        made = self._build(self.program, [str(argument) for argument in arguments], view)
        return [*by_itself(sys.executable, "without_keys.py"), *made]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of sandbox: how the program is found that makes it, and how its command line is built."""

    name: str
    find: Callable[[], str | None]
    build: Callable[[str, Sequence[str], View], list[str]]


KINDS = (
    Kind("bubblewrap", partial(find_program, "bwrap"), bubblewrap_command),
    Kind("bubblewrap before 0.8", partial(find_program, "bwrap"), partial(bubblewrap_command, nesting=True)),
    Kind("user namespaces", lambda: sys.executable, namespaces_command),
)
"""Every kind, the best first."""


def find_sandbox() -> Sandbox:
    """Return the sandbox of this machine. Raises `SandboxUnavailable` with the reason why there is none."""
    if sys.platform != "linux":
        raise SandboxUnavailable(f"{_WHAT}, which needs Linux")
    if not sys.executable:
        raise SandboxUnavailable(f"{_WHAT}, which needs a Python, and this program has none of its own")
    reasons = []
    for kind in KINDS:
        program = kind.find()
        reason = "bwrap is not on PATH" if program is None else obstacle(kind, program)
        if program is not None and reason is None:
            return Sandbox(kind.name, program, kind.build)
        reasons.append(str(reason))
    raise SandboxUnavailable(
        f"{_WHAT}, and none can be made here: {'; '.join(dict.fromkeys(reasons))}. Allow user namespaces "
        "(kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns; in a container, "
        "--security-opt seccomp=unconfined and apparmor=unconfined)"
    )


@cache
def obstacle(kind: Kind, program: str) -> str | None:
    """Return why a kind of sandbox, made by `program`, does not work here; None where it does."""
    true = find_program("true") or "/bin/true"
    command = Sandbox(kind.name, program, kind.build).command([true], View(folders={"/": Path("/")}))
    try:
        ended = run_program(command, environ={}, timeout=_PROBE_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        return f"{program} cannot be run: {reason_of(error)}"
    if ended.returncode == 0:
        return None
    words = ended.stderr.decode("utf-8", "replace").strip()[-300:] or f"exit code {ended.returncode}"
    return f"{program}: {words}"
