"""A containerd of the tests' own: its images are in a folder, and it is gone without trace afterwards."""

from __future__ import annotations

import shutil
import subprocess
import uuid
from pathlib import Path

from tests.peers.availability import require
from tests.peers.containment import in_own_namespaces, kill_namespaces, remove_cgroups, start_server, wait_until
from tests.peers.engine import socket_folder
from tests.peers.program import DEFAULT_TIMEOUT, Program

# What Kubernetes would ask of it is not asked here, and needs folders of the machine's.
_CONFIGURATION = """
version = 2
root = "{root}/data"
state = "/run/containerd-tests"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
address = "{socket}"
"""
_SNAPSHOTTER = "native"
"""The one that every file system will do for."""


class Containerd:
    """A running containerd. `ctr` is a client that talks to it: `service.ctr("images", "ls")`."""

    def __init__(self, process: subprocess.Popen[bytes], root: Path, socket_path: Path) -> None:
        self.ctr = Program(require("ctr"), ("--address", str(socket_path), "--namespace", "tests"))
        self._root = root
        self._socket = socket_path
        self._process = process

    def __repr__(self) -> str:
        return f"<Containerd {self._socket}>"

    def pull(self, image: str, *options: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Pull an image from a registry without TLS, and unpack it."""
        return self.ctr("images", "pull", "--plain-http", "--snapshotter", _SNAPSHOTTER, *options, image, check=check)

    def run(self, image: str, *command: str, timeout: float = DEFAULT_TIMEOUT) -> subprocess.CompletedProcess[str]:
        """Run a command in a new container without a network."""
        name = f"conda-docker-tests-{uuid.uuid4().hex[:12]}"
        # The client and the service speak by named pipes, which both must see.
        pipes = ("--fifo-dir", str(self._socket.parent / "pipes"))
        options = ("--rm", "--snapshotter", _SNAPSHOTTER, "--cgroup", f"/{name}", *pipes)
        try:
            return self.ctr("run", *options, image, name, *command, timeout=timeout)
        finally:
            remove_cgroups(name)

    def stop(self) -> None:
        """End it, its containers and mounts, and remove its images."""
        kill_namespaces(self._process)
        shutil.rmtree(self._root / "data", ignore_errors=True)
        shutil.rmtree(self._socket.parent, ignore_errors=True)


def start_containerd(root: Path) -> Containerd:
    """Start a containerd that keeps its images in `root`, and return it when it answers. The caller stops it."""
    program = require("containerd")
    root.mkdir(parents=True, exist_ok=True)
    folder = socket_folder()
    socket_path = folder / "containerd.sock"
    configuration = root / "config.toml"
    configuration.write_text(_CONFIGURATION.format(root=root, socket=socket_path))
    log = root / "containerd.log"
    command = [str(program), "--config", str(configuration)]
    process = start_server(
        in_own_namespaces(command, shared=[root, folder]), output=root / "containerd.out", errors=log
    )
    service = Containerd(process, root, socket_path)
    try:
        wait_until(lambda: service.ctr("version", check=False).returncode == 0, process, log=log)
    except BaseException:
        kill_namespaces(process)
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return service
