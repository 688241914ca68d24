"""The program as a server, and what real clients pull from it."""

from __future__ import annotations

import hashlib
import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conda_docker.serve.running import RunningServer, server, start_server
from tests.peers import Containerd, DockerEngine, Podman, Program

__all__ = ["server", "start_server"]

PYTHON = f"python-{sys.version_info[0]}.{sys.version_info[1]}"


def restricted(token: str) -> str:
    """Return the configuration of a server that wants a token."""
    return f'[[access]]\nname = "ci"\ntoken-sha256 = "{hashlib.sha256(token.encode()).hexdigest()}"\n'


def test_docker_runs_what_it_names(server: RunningServer, docker_engine: DockerEngine) -> None:
    image = f"{server.host}/{PYTHON}/flask"
    docker_engine.docker("pull", image)
    ran = docker_engine.run(image, "python", "-c", "import flask; print(flask.__name__)")
    assert ran.stdout == "flask\n"


def test_docker_shows_why_an_image_cannot_be_had(server: RunningServer, docker_engine: DockerEngine) -> None:
    for name, said in (("flask-99", "there is no flask=99"), ("no-such-package", "no package named")):
        ended = docker_engine.docker("pull", f"{server.host}/{name}", check=False)
        assert ended.returncode != 0
        assert said in ended.stderr


def test_docker_pulls_by_digest(server: RunningServer, docker_engine: DockerEngine) -> None:
    said = docker_engine.docker("pull", f"{server.host}/flask").stdout
    digest = re.search(r"Digest: (sha256:[0-9a-f]{64})", said)
    assert digest is not None
    docker_engine.docker("pull", f"{server.host}/flask@{digest[1]}")


def test_docker_logs_in(
    start_server: Callable[..., RunningServer], docker_engine: DockerEngine, tmp_path: Path
) -> None:
    server = start_server(restricted("opensesame"))
    refused = docker_engine.docker("pull", f"{server.host}/flask", check=False)
    assert refused.returncode != 0
    docker_engine.docker("login", "--username", "anybody", "--password", "opensesame", server.host)
    docker_engine.docker("pull", f"{server.host}/flask")
    docker_engine.docker("logout", server.host)


def test_podman_runs_what_it_names(server: RunningServer, podman_engine: Podman) -> None:
    image = f"{server.host}/{PYTHON}/flask"
    podman_engine.podman("pull", "--tls-verify=false", image)
    assert podman_engine.run(image, "python", "-c", "import flask; print(flask.__name__)").stdout == "flask\n"


def test_containerd_runs_what_it_names(server: RunningServer, containerd: Containerd) -> None:
    image = f"{server.host}/{PYTHON}/flask:latest"
    containerd.pull(image)
    assert containerd.run(image, "python", "-c", "import flask; print(flask.__name__)").stdout == "flask\n"


def test_containerd_shows_why_an_image_cannot_be_had(server: RunningServer, containerd: Containerd) -> None:
    ended = containerd.pull(f"{server.host}/no-such-package:latest", check=False)
    assert ended.returncode != 0
    assert "not found" in ended.stderr


def test_containerd_sends_a_token(start_server: Callable[..., RunningServer], containerd: Containerd) -> None:
    server = start_server(restricted("opensesame"))
    image = f"{server.host}/flask:latest"
    assert containerd.pull(image, check=False).returncode != 0
    assert containerd.pull(image, "--user", "anybody:wrong", check=False).returncode != 0
    containerd.pull(image, "--user", "anybody:opensesame")


def test_skopeo_copies_all_of_it(server: RunningServer, skopeo: Program, tmp_path: Path) -> None:
    source = f"docker://{server.host}/{PYTHON}/flask"
    skopeo("copy", "--all", "--src-tls-verify=false", source, f"oci:{tmp_path}/layout:1")
    tags = json.loads(skopeo("list-tags", "--tls-verify=false", source).stdout)["Tags"]
    assert tags == ["latest"]


@pytest.mark.parametrize("serves", [False, True], ids=["once it listens", "once it serves"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it(start_server: Callable[..., RunningServer], number: signal.Signals, *, serves: bool) -> None:
    server = start_server()
    if serves:
        with urllib.request.urlopen(f"http://{server.host}/healthz", timeout=30) as answer:
            assert answer.status == 200
    server.process.send_signal(number)
    _, said = server.process.communicate(timeout=120)
    assert "Traceback" not in said
    assert server.process.returncode in (0, 130, 143, -number)


def test_a_port_that_is_taken(server: RunningServer, start_server: Callable[..., RunningServer]) -> None:
    port = server.host.rpartition(":")[2]
    ended = subprocess.run(
        [Path(sys.executable).with_name("conda-docker"), "serve", "--port", port],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode not in (0, -signal.SIGKILL)
    assert "Traceback" not in ended.stderr
    assert port in ended.stderr


@pytest.mark.parametrize("line", ['base = "oci:nowhere"', 'chanels = ["a"]', "redirect = true"])
def test_a_configuration_that_cannot_be_used_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "serve.toml").write_text(line)
    ended = subprocess.run(
        [Path(sys.executable).with_name("conda-docker"), "serve", "--config", "serve.toml", "--port", "0"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 7
    assert "serve.toml: " in ended.stderr


def test_a_signal_cuts_slow_clients_off_in_a_line(start_server: Callable[..., RunningServer]) -> None:
    server = start_server()
    name = f"/v2/{PYTHON}"
    with urllib.request.urlopen(f"http://{server.host}{name}/manifests/latest", timeout=120) as answer:
        [child] = json.load(answer)["manifests"]
    with urllib.request.urlopen(f"http://{server.host}{name}/manifests/{child['digest']}", timeout=60) as answer:
        largest = max(json.load(answer)["layers"], key=lambda layer: layer["size"])
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", int(server.host.rpartition(":")[2])))
        client.sendall(f"GET {name}/blobs/{largest['digest']} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        client.recv(100)
        server.process.send_signal(signal.SIGTERM)
        _, said = server.process.communicate(timeout=120)
    assert "Traceback" not in said
    assert len(said.splitlines()) <= 2, said
