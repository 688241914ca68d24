"""run_git: git in a checkout of the user's, which has it run nothing and reach no other machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

from python_docker.errors import NotFound
from python_docker.programs import find_program, program_environment, run_program

# Settings of a repository that have git run programs; the commands that are used read nothing else that does.
_RUNNING_NOTHING = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "log.showSignature=false")
# What `git rev-parse --local-env-vars` names, but for settings: git sets them for its hooks, and with them another
# repository, or its index, would be meant than that of the folder.
_ANOTHER_REPOSITORY = frozenset(
    {
        *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_DIR", "GIT_GRAFT_FILE", "GIT_IMPLICIT_WORK_TREE"),
        *("GIT_INDEX_FILE", "GIT_INTERNAL_SUPER_PREFIX", "GIT_NAMESPACE", "GIT_NO_REPLACE_OBJECTS"),
        *("GIT_OBJECT_DIRECTORY", "GIT_PREFIX", "GIT_REPLACE_REF_BASE", "GIT_SHALLOW_FILE", "GIT_WORK_TREE"),
    }
)


def run_git(
    folder: Path,
    *arguments: str,
    protocols: str | None = "",
    input: bytes | None = None,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run git in `folder` and return its exit code and what it printed.

    `protocols` are those by which it may reach other repositories, separated by colons; None leaves that to the user's
    settings. Without any, a clone that lacks an object does not fetch it, for which its settings may name a program.

    Raises `NotFound` where git is not installed, `OSError` and `subprocess.TimeoutExpired` as `run_program` does.
    """
    program = find_program("git")
    if program is None:
        raise NotFound("git is not installed")
    environ = {name: value for name, value in program_environment().items() if name not in _ANOTHER_REPOSITORY}
    if protocols is not None:
        # Known to git 2.45 and 2.12: the one says nothing of protocols, the other fails in a few more words.
        environ |= {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": protocols}
    command = [program, "-C", str(folder.absolute()), *_RUNNING_NOTHING, *arguments]
    return run_program(command, environ=environ, input=input, timeout=timeout)
