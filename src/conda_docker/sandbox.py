"""A sandbox for programs that packages bring: bubblewrap, without network and without the user's files.

A program in it sees the folders that it is given, read-only unless they are said to be writable, the system's shared
libraries when it asks for them, and nothing else: no home folder, no environment variables but its own, no other
processes, no capabilities. It ends when this process ends.

    sandbox = find_sandbox()                    # raises SandboxUnavailable with the reason
    command = sandbox.command(["/python/bin/python3.12", "-I"], folders={"/python": unpacked}, system_libraries=True)
    run_program(command, environ={})

Source: bwrap(1).
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from conda_docker.errors import SandboxUnavailable
from python_docker.programs import Argument, find_program, run_program

_PROBE_SECONDS = 20
_LIBRARIES = ("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64")
_LOADER_FILES = ("/etc/ld.so.cache",)


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A bubblewrap that works on this machine; `program` is its path."""

    program: str

    def command(
        self,
        arguments: Sequence[Argument],
        *,
        folders: Mapping[str, Path] | None = None,
        writable: Mapping[str, Path] | None = None,
        system_libraries: bool = False,
        devices: bool = False,
        network: bool = False,
        temporary: Sequence[str] = (),
        root: bool = False,
        working_folder: str = "/",
    ) -> list[str]:
        """Return the command line that runs `arguments` in the sandbox.

        `folders` and `writable` map paths in the sandbox to folders of this machine; `/` may be one of them.
        `system_libraries` adds this machine's shared libraries, for a program that was built for it, `devices` adds
        `/proc` and a `/dev` with what every program may use. `temporary` are folders that are empty at first and gone
        afterwards. `root` makes the program believe that it is root, though it can do no more than this user.
        """
        command = [self.program, "--unshare-all", *(("--share-net",) if network else ())]
        if root:
            command += ["--unshare-user", "--uid", "0", "--gid", "0"]
        command += ["--die-with-parent", "--new-session", "--cap-drop", "ALL"]
        if system_libraries:
            for path in _LIBRARIES:
                command += _library(Path(path))
            for path in _LOADER_FILES:
                command += ["--ro-bind-try", path, path]
        for place, folder in sorted((folders or {}).items()):
            command += ["--ro-bind", str(folder), place]
        for place, folder in sorted((writable or {}).items()):
            command += ["--bind", str(folder), place]
        for place in temporary:
            command += ["--tmpfs", place]
        if devices:
            command += ["--proc", "/proc", "--dev", "/dev"]
        if "/" not in {*(folders or {}), *(writable or {})}:
            command += ["--remount-ro", "/"]
        return [*command, "--chdir", working_folder, "--", *map(str, arguments)]


def find_sandbox() -> Sandbox:
    """Return the sandbox of this machine. Raises `SandboxUnavailable` with the reason why there is none."""
    found = _probe(find_program("bwrap"))
    if isinstance(found, str):
        raise SandboxUnavailable(found)
    return found


@cache
def _probe(program: str | None) -> Sandbox | str:
    """Return the sandbox, or the reason why there is none."""
    if sys.platform != "linux":
        return "programs of packages run only in a bubblewrap sandbox, which needs Linux"
    if program is None:
        return (
            "programs of packages run only in a bubblewrap sandbox, and the program bwrap is not on PATH; "
            "install bubblewrap"
        )
    sandbox = Sandbox(program)
    true = find_program("true") or "/bin/true"
    try:
        ended = run_program(sandbox.command([true], folders={"/": Path("/")}), environ={}, timeout=_PROBE_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        return f"programs of packages run only in a bubblewrap sandbox, and {program} cannot be run: {error}"
    if ended.returncode != 0:
        words = ended.stderr.decode("utf-8", "replace").strip()[-300:] or f"exit code {ended.returncode}"
        return (
            f"programs of packages run only in a bubblewrap sandbox, and {program} cannot make one here: {words}; "
            "in a container, allow user namespaces (or run it with --security-opt seccomp=unconfined)"
        )
    return sandbox


def _library(path: Path) -> list[str]:
    """Return the arguments for a folder of shared libraries: on most systems, `/lib` is a link to `/usr/lib`."""
    if path.is_symlink():
        return ["--symlink", str(path.readlink()), str(path)]
    return ["--ro-bind", str(path), str(path)] if path.is_dir() else []
