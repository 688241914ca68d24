"""Run a command in an image with what is on this machine: Docker, Podman, runc, bubblewrap."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from demo.unpack import unpack
from python_docker.image import Image
from python_docker.transports import open_image

_ADMIN_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")  # where Debian has runc, and not in a plain user's PATH
_NO_CONTAINERS = re.compile(r"setrlimit|cgroup")
_CAPABILITIES = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_KILL", "CAP_SETGID", "CAP_SETUID"]


class Unavailable(Exception):
    """This runtime cannot be used on this machine; the message says why."""


class Archive:
    """A docker archive with one image of that `name`, unpacked once if anybody needs that."""

    def __init__(self, path: Path, name: str, work: Path) -> None:
        self.path = path
        self.name = name
        self._work = work
        self._root: Path | None = None

    @property
    def image(self) -> Image:
        return open_image(f"docker-archive:{self.path}")

    def root(self) -> Path:
        """Return the image's root file system."""
        if self._root is None:
            root = self._work / "rootfs"
            unpack(self.image, root)
            self._root = root
        return self._root

    def process(self, command: Sequence[str]) -> tuple[list[str], dict[str, str], str]:
        """Return arguments, environment and working directory of a process in the image, as its config says."""
        config = self.image.config
        return [*config["Entrypoint"], *command], dict(config.environment), config["WorkingDir"] or "/"


def run_with_docker(archive: Archive, command: Sequence[str]) -> str:
    """Return what `command` prints in a container of Docker Engine. Raises `Unavailable`, `CalledProcessError`."""
    docker = _program("docker")
    server = subprocess.run(
        [docker, "version", "--format", "{{.Server.Version}}"], capture_output=True, text=True, timeout=60, check=False
    )
    if server.returncode != 0:
        raise Unavailable(_last_line(server.stderr) or "no Docker Engine answers")
    return _run_loaded(docker, archive, command)


def run_with_podman(archive: Archive, command: Sequence[str]) -> str:
    """Return what `command` prints in a container of Podman. Raises `Unavailable`, `CalledProcessError`."""
    podman = _program("podman")
    answer = subprocess.run([podman, "info"], capture_output=True, text=True, timeout=60, check=False)
    if answer.returncode != 0:
        raise Unavailable(_last_line(answer.stderr) or "podman does not work here")
    try:
        return _run_loaded(podman, archive, command)
    except subprocess.CalledProcessError as error:
        # Within another container, `podman info` works where no container can be made.
        if _NO_CONTAINERS.search(error.stderr or ""):
            raise Unavailable(_last_line(error.stderr)) from error
        raise


def _run_loaded(engine: str, archive: Archive, command: Sequence[str]) -> str:
    """Load the image into an engine and run it there; the engine does not keep it."""
    _output([engine, "load", "--quiet", "--input", str(archive.path)])
    try:
        return _output([engine, "run", "--rm", "--network", "none", archive.name, *command])
    finally:
        subprocess.run([engine, "rmi", "--force", archive.name], capture_output=True, timeout=300, check=False)


def run_with_runc(archive: Archive, command: Sequence[str]) -> str:
    """Return what `command` prints in a container of runc. Raises `Unavailable`, `CalledProcessError`."""
    runc = _program("runc")
    if os.geteuid() != 0:
        raise Unavailable("it needs root")
    arguments, variables, folder = archive.process(command)
    config = {
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": 0, "gid": 0},
            "args": arguments,
            "env": [f"{name}={value}" for name, value in variables.items()],
            "cwd": folder,
            "capabilities": dict.fromkeys(("bounding", "effective", "permitted"), _CAPABILITIES),
            "noNewPrivileges": True,
        },
        "root": {"path": str(archive.root())},
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
        ],
        "linux": {"namespaces": [{"type": kind} for kind in ("pid", "mount", "ipc", "uts", "network")]},
    }
    with tempfile.TemporaryDirectory(prefix="runc-") as bundle:
        Path(bundle, "config.json").write_text(json.dumps(config))
        name = f"conda-docker-demo-{uuid.uuid4().hex[:12]}"
        return _output([runc, "--root", f"{bundle}/state", "run", "--bundle", bundle, name])


def run_with_bwrap(archive: Archive, command: Sequence[str]) -> str:
    """Return what `command` prints in bubblewrap's sandbox. Raises `Unavailable`, `CalledProcessError`."""
    bwrap = _program("bwrap")
    probe = subprocess.run(
        [bwrap, "--ro-bind", "/", "/", "--unshare-all", "true"], capture_output=True, text=True, timeout=60, check=False
    )
    if probe.returncode != 0:
        raise Unavailable(_last_line(probe.stderr))
    arguments, variables, folder = archive.process(command)
    options = ["--bind", str(archive.root()), "/", "--proc", "/proc", "--dev", "/dev", "--unshare-all"]
    # Engines and runc set it by the image's /etc/passwd, which may not know the number of this user.
    variables = {"HOME": "/root", **variables}
    settings = [word for name, value in variables.items() for word in ("--setenv", name, value)]
    return _output([bwrap, *options, "--die-with-parent", "--chdir", folder, "--clearenv", *settings, "--", *arguments])


RUNTIMES: dict[str, Callable[[Archive, Sequence[str]], str]] = {
    "docker": run_with_docker,
    "podman": run_with_podman,
    "runc": run_with_runc,
    "bwrap": run_with_bwrap,
}


@contextmanager
def opened(path: Path, name: str) -> Iterator[Archive]:
    """Open the archive at `path`; what is unpacked of it is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="conda-docker-demo-") as work:
        yield Archive(path, name, Path(work))


def _program(name: str) -> str:
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), *_ADMIN_FOLDERS]))
    if found is None:
        raise Unavailable(f"the program {name} is not installed")
    return found


def _output(command: list[str]) -> str:
    ended = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=True, errors="replace"
    )
    return ended.stdout


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1]
