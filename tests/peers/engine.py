"""A Docker Engine of the tests' own: not this machine's, if it has one, and gone without trace afterwards."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.peers.availability import require, search_path
from tests.peers.containment import in_own_namespaces, kill_namespaces, remove_cgroups, start_server, wait_until
from tests.peers.program import DEFAULT_TIMEOUT, Program

_LONGEST_SOCKET_PATH = 107
"""Bytes that sun_path of unix(7) holds, less its closing NUL."""


class DockerEngine:
    """A running Docker Engine. `socket` is its API's path, `host` the same as DOCKER_HOST wants it.

    `docker` is a client that talks to it: `engine.docker("image", "ls")`.
    """

    def __init__(self, process: subprocess.Popen[bytes], root: Path, socket_path: Path, cgroup: str) -> None:
        self.socket = socket_path
        self.host = f"unix://{socket_path}"
        self.root = root
        self.log_path = root / "dockerd.log"
        self.docker = _client(self.host, root / "docker-config")
        self._process = process
        self._cgroup = cgroup

    def __repr__(self) -> str:
        return f"<DockerEngine {self.host}>"

    def load(self, archive: Path) -> str:
        """Load a docker archive and return what the client says of it."""
        return self.docker("load", "--input", archive).stdout

    def save(self, archive: Path, *images: str) -> Path:
        """Save images to a docker archive and return its path."""
        self.docker("save", "--output", archive, *images)
        return archive

    def run(
        self,
        image: str,
        *command: str,
        options: tuple[str, ...] = (),
        timeout: float = DEFAULT_TIMEOUT,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command, or what the image starts by itself, in a new container without a network."""
        never_pull = ("--rm", "--network", "none", "--pull", "never")
        return self.docker("run", *never_pull, *options, image, *command, timeout=timeout, check=check)

    def stop(self) -> None:
        """End it, its containers and mounts, and remove its images."""
        kill_namespaces(self._process)
        remove_cgroups(self._cgroup)
        shutil.rmtree(self.root / "data", ignore_errors=True)
        shutil.rmtree(self.socket.parent, ignore_errors=True)


def start_engine(root: Path) -> DockerEngine:
    """Start an engine that keeps its images in `root`, and return it when it answers. The caller stops it.

    It has no bridge and touches no firewall; its storage driver is the best one that the folder's file system can carry
    (or what DOCKER_DRIVER names).
    """
    program = require("dockerd")
    root.mkdir(parents=True, exist_ok=True)
    (root / "daemon.json").write_text("{}")
    socket_path = socket_folder() / "docker.sock"
    cgroup = f"conda-docker-tests-{os.getpid()}-{socket_path.parent.name.rpartition('-')[2]}"
    command = [
        *(str(program), "--config-file", str(root / "daemon.json")),
        *("--data-root", str(root / "data"), "--exec-root", "/run/engine", "--pidfile", "/run/engine.pid"),
        *("--host", f"unix://{socket_path}", "--iptables=false", "--ip6tables=false", "--bridge=none"),
        # Where systemd runs, the default would ask it for each group, and the name would have to be a slice's.
        *("--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", cgroup),
        *(("--storage-driver", os.environ["DOCKER_DRIVER"]) if "DOCKER_DRIVER" in os.environ else ()),
    ]
    log = root / "dockerd.log"
    process = start_server(
        in_own_namespaces(command, shared=[root, socket_path]), output=root / "dockerd.out", errors=log
    )
    try:
        wait_until(lambda: answers(socket_path), process, log=log)
        return DockerEngine(process, root, socket_path, cgroup)
    except BaseException:
        kill_namespaces(process)
        remove_cgroups(cgroup)
        shutil.rmtree(socket_path.parent, ignore_errors=True)
        raise


def socket_folder() -> Path:
    """Return a new folder in which a socket's path is short enough."""
    longest_name = "conda-docker-12345678/docker.sock"
    parent = Path(tempfile.gettempdir())
    if len(os.fsencode(parent / longest_name)) > _LONGEST_SOCKET_PATH:
        parent = Path("/tmp")
    return Path(tempfile.mkdtemp(prefix="conda-docker-", dir=parent))


def answers(socket_path: Path) -> bool:
    """Tell whether an engine answers at this socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        try:
            connection.connect(str(socket_path))
            connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return connection.recv(64).split(b" ")[1:2] == [b"200"]
        except OSError:
            return False


def _client(host: str, config: Path) -> Program:
    """Return the first client on the PATH that speaks a version of the API that this engine knows."""
    config.mkdir(exist_ok=True)
    environment: Mapping[str, str] = {"DOCKER_HOST": host, "DOCKER_CONFIG": str(config), "DOCKER_CONTEXT": "default"}
    said = []
    for folder in dict.fromkeys(search_path().split(os.pathsep)):
        found = shutil.which("docker", path=folder)
        if found is None:
            continue
        client = Program(Path(found), environment=environment)
        ended = client("version", check=False, timeout=30)
        if ended.returncode == 0:
            return client
        said.append(f"{found}: {ended.stderr.strip()}")
    raise RuntimeError("no docker client can talk to the engine\n" + "\n".join(said))
