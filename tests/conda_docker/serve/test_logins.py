"""Real clients with and without a token: a private environment beside a public one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.conda_docker.serve.running import RunningServer, start_server
from tests.peers import Containerd, DockerEngine, Podman

__all__ = ["start_server"]

TOKEN = "opensesame"


@dataclass(frozen=True, slots=True)
class Mixed:
    """A server of two environments, one of which is everybody's."""

    host: str

    @property
    def public(self) -> str:
        return f"{self.host}/env/shared:latest"

    @property
    def private(self) -> str:
        return f"{self.host}/env/secret:latest"


@pytest.fixture(scope="module")
def mixed(start_server: Callable[..., RunningServer], tmp_path_factory: pytest.TempPathFactory) -> Mixed:
    folder = tmp_path_factory.mktemp("environments")
    for name in ("shared", "secret"):
        (folder / f"{name}.yml").write_text("dependencies: [flask]\n")
    sha256 = hashlib.sha256(TOKEN.encode()).hexdigest()
    access = f'[anonymous]\nenvironments = ["shared"]\n[[access]]\nname = "ci"\ntoken-sha256 = "{sha256}"\n'
    return Mixed(start_server(f'environments = "{folder}"\n{access}').host)


def test_docker(mixed: Mixed, docker_engine: DockerEngine) -> None:
    docker = docker_engine.docker
    docker("pull", mixed.public)
    refused = docker("pull", mixed.private, check=False)
    assert refused.returncode != 0
    login = ("login", "--username", "anybody", "--password")
    assert docker(*login, "wrong", mixed.host, check=False).returncode != 0
    assert docker("pull", mixed.private, check=False).returncode != 0
    docker(*login, TOKEN, mixed.host)
    try:
        docker("pull", mixed.private)
        docker("pull", mixed.public)
    finally:
        docker("logout", mixed.host)
    docker("rmi", mixed.private)
    assert docker("pull", mixed.private, check=False).returncode != 0


def test_podman(mixed: Mixed, podman_engine: Podman) -> None:
    def pull(image: str, *credentials: str) -> int:
        return podman_engine.podman("pull", "--tls-verify=false", *credentials, image, check=False).returncode

    assert pull(mixed.public) == 0
    assert pull(mixed.private) != 0
    assert pull(mixed.private, "--creds", "anybody:wrong") != 0
    assert pull(mixed.public, "--creds", "anybody:wrong") != 0
    assert pull(mixed.private, "--creds", f"anybody:{TOKEN}") == 0


def test_containerd(mixed: Mixed, containerd: Containerd) -> None:
    def pull(image: str, *credentials: str) -> int:
        return containerd.pull(image, *credentials, check=False).returncode

    assert pull(mixed.public) == 0
    assert pull(mixed.private) != 0
    assert pull(mixed.private, "--user", "anybody:wrong") != 0
    assert pull(mixed.private, "--user", f"anybody:{TOKEN}") == 0
