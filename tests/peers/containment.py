"""Keep servers from outliving the tests, whatever happens to the tests.

The kernel does the work: a server dies with the process that started it (PR_SET_PDEATHSIG, set by `setpriv`), and a
server that starts others and mounts things gets process and mount namespaces of its own (`unshare`), which the kernel
takes down with all that is in them.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.peers.availability import find_program, search_path

_CGROUPS = Path("/sys/fs/cgroup")


def dying_with_us(command: Sequence[str]) -> list[str]:
    """Return the command so that the kernel kills it when this process ends, however it ends."""
    return ["setpriv", "--pdeathsig", "KILL", *command] if find_program("setpriv") else list(command)


_PRIVATE_FOLDERS = """
mount -t tmpfs tmpfs /run
for folder in $1; do
    mkdir -p "/run/private$folder/upper" "/run/private$folder/work"
    layers="lowerdir=$folder,upperdir=/run/private$folder/upper,workdir=/run/private$folder/work"
    mount -t overlay -o "$layers" overlay "$folder" || echo "$folder is not private" >&2
done
shift
exec "$@"
"""


def in_own_namespaces(command: Sequence[str], *, shared: Sequence[Path] = ()) -> list[str]:
    """Return the command so that it and all it ever starts and mounts is gone when the process is killed.

    It sees an empty /run, so that it finds no daemon of this machine, and what it writes to /etc and /opt (dockerd a
    key, containerd folders) stays its own, unless one of the `shared` paths lies there.
    """
    private = [
        folder for folder in ("/etc", "/opt") if not any(path.resolve().is_relative_to(folder) for path in shared)
    ]
    init = find_program("docker-init") or find_program("tini")
    namespaces = ["--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc", "--propagation", "private"]
    script = ["sh", "-ec", _PRIVATE_FOLDERS, "sh", " ".join(private)]
    return dying_with_us(["unshare", *namespaces, *script, *([str(init), "--"] if init else []), *command])


def start_server(command: Sequence[str], *, output: Path, errors: Path) -> subprocess.Popen[bytes]:
    """Start a server with a clean environment: the machine's proxies and settings are not for tests."""
    with output.open("wb") as stdout, errors.open("wb") as stderr:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env=clean_environment(),
            start_new_session=True,
        )


def clean_environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment that holds where programs are, the language, and `more`."""
    return {"PATH": search_path(), "LANG": "C.UTF-8", "HOME": "/nonexistent", **(more or {})}


def wait_until(
    condition: Callable[[], bool], process: subprocess.Popen[bytes], *, log: Path, seconds: float = 120
) -> None:
    """Return once the condition is true; raise with the end of its log when the server ends or takes too long."""
    deadline = time.monotonic() + seconds
    while not condition():
        if process.poll() is not None or time.monotonic() > deadline:
            state = "did not answer in time" if process.poll() is None else f"ended with {process.returncode}"
            last_lines = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
            raise RuntimeError(f"{process.args!r}\n{state}\n{last_lines}")
        time.sleep(0.02)


def stop(process: subprocess.Popen[bytes], *, seconds: float = 30) -> None:
    """End a server: politely first, for sure after `seconds`."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def kill_namespaces(process: subprocess.Popen[bytes]) -> None:
    """Kill what `in_own_namespaces` started and return when the kernel has ended all of it."""
    # The first process of a process namespace is gone only after every other one in it, so it is the one to wait for.
    inits = [os.pidfd_open(pid) for pid in _children(process.pid)]
    try:
        process.send_signal(signal.SIGKILL)
        process.wait()
        for init in inits:
            select.select([init], [], [], 120)
    finally:
        for init in inits:
            os.close(init)


def _children(parent: int) -> list[int]:
    children = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields_after_name = status.read_text().rpartition(")")[2].split()
            if int(fields_after_name[1]) == parent:
                children.append(int(status.parent.name))
    return children


def remove_cgroups(name: str) -> None:
    """Remove the control groups of that name, and those in them, from every hierarchy of this machine."""
    for folder, _, _ in list(os.walk(_CGROUPS, topdown=False)):
        if name in Path(folder).parts:
            _remove_cgroup(Path(folder))


def _remove_cgroup(folder: Path) -> None:
    # A group stays busy for a moment after its last process has ended.
    deadline = time.monotonic() + 60
    while True:
        try:
            return folder.rmdir()
        except FileNotFoundError:
            return None
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
