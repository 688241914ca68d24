"""A Podman of the tests' own: its images are in a folder, and it is gone without trace afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.peers.availability import require
from tests.peers.containment import in_own_namespaces, kill_namespaces, remove_cgroups, start_server, wait_until
from tests.peers.engine import answers, socket_folder
from tests.peers.program import DEFAULT_TIMEOUT, Program

# Limits that every machine allows, and the runtime that control groups of both versions work with.
_CONTAINERS_CONF = """
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]
netns = "none"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "none"
"""
_STORAGE_CONF = """
[storage]
driver = "{driver}"
graphroot = "{root}/data"
runroot = "{run}"
"""


class Podman:
    """A running service of Podman. `socket` is its API's path, `host` the same as DOCKER_HOST wants it.

    `podman` is a client that talks to it: `service.podman("image", "ls")`.
    """

    def __init__(self, process: subprocess.Popen[bytes], root: Path, socket_path: Path, cgroup: str) -> None:
        self.socket = socket_path
        self.host = f"unix://{socket_path}"
        self.podman = Program(require("podman"), ("--remote", "--url", self.host))
        self._root = root
        self._process = process
        self._cgroup = cgroup

    def __repr__(self) -> str:
        return f"<Podman {self.host}>"

    def run(
        self, image: str, *command: str, options: tuple[str, ...] = (), timeout: float = DEFAULT_TIMEOUT
    ) -> subprocess.CompletedProcess[str]:
        """Run a command, or what the image starts by itself, in a new container without a network."""
        always = ("--rm", "--pull", "never", "--cgroup-parent", f"/{self._cgroup}")
        return self.podman("run", *always, *options, image, *command, timeout=timeout)

    def stop(self) -> None:
        """End it, its containers and mounts, and remove its images."""
        kill_namespaces(self._process)
        remove_cgroups(self._cgroup)
        shutil.rmtree(self._root / "data", ignore_errors=True)
        shutil.rmtree(self.socket.parent, ignore_errors=True)


def start_podman(root: Path) -> Podman:
    """Start a service of Podman that keeps its images in `root`, and return it when it answers. The caller stops it."""
    program = require("podman")
    folder = socket_folder()
    socket_path = folder / "podman.sock"
    cgroup = f"conda-docker-tests-{os.getpid()}-{folder.name.rpartition('-')[2]}"
    variables = podman_variables(root, driver=os.environ.get("STORAGE_DRIVER", "overlay"))
    command = [
        *("env", *(f"{name}={value}" for name, value in variables.items())),
        *(str(program), "system", "service", "--time", "0", f"unix://{socket_path}"),
    ]
    log = root / "podman.log"
    process = start_server(in_own_namespaces(command, shared=[root, folder]), output=root / "podman.out", errors=log)
    try:
        wait_until(lambda: answers(socket_path), process, log=log)
    except BaseException:
        kill_namespaces(process)
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Podman(process, root, socket_path, cgroup)


def podman_variables(root: Path, *, driver: str = "vfs") -> Mapping[str, str]:
    """Return the variables with which the command `podman` keeps everything in `root`.

    With the driver `vfs` nothing is mounted that could stay.
    """
    root.mkdir(parents=True, exist_ok=True)
    (root / "containers.conf").write_text(_CONTAINERS_CONF)
    (root / "storage.conf").write_text(_STORAGE_CONF.format(driver=driver, root=root, run=root / "run"))
    return {
        "CONTAINERS_CONF": str(root / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(root / "storage.conf"),
    }
