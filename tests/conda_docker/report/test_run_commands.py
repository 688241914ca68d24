"""Commands that run an image."""

from __future__ import annotations

import shlex

import pytest
import yaml

from conda_docker.report.run_commands import run_commands
from python_docker.spec.digest import Digest
from python_docker.transports import Location

DIGEST = Digest("sha256:" + "a" * 64)


def commands(place: str, name: str | None = "app:1.0", ports: tuple[str, ...] = (), user: str = "") -> dict[str, str]:
    location = Location.parse(place, default_transport="docker")
    return {each.program: each.text for each in run_commands(location, name, DIGEST, ports=ports, user=user)}


def test_from_a_registry() -> None:
    found = commands("ghcr.io/org/app:1.0", "ghcr.io/org/app:1.0", ("8888/tcp", "53/udp"), "1000:100")
    assert found["docker"] == "docker run --rm -it -p 8888:8888 -p 53:53/udp ghcr.io/org/app:1.0"
    assert found["podman"] == found["docker"].replace("docker", "podman", 1)
    pod = yaml.safe_load(found["kubernetes"])
    (container,) = pod["spec"]["containers"]
    assert pod["metadata"]["name"] == "app"
    assert container["image"] == f"ghcr.io/org/app:1.0@{DIGEST}"
    assert container["ports"] == [
        {"containerPort": 8888, "protocol": "TCP"},
        {"containerPort": 53, "protocol": "UDP"},
    ]
    assert container["securityContext"] == {"runAsNonRoot": True}


@pytest.mark.parametrize(
    ("place", "docker", "podman"),
    [
        ("docker-archive:a b.tar", "docker load -i 'a b.tar'", "podman load -i 'a b.tar'"),
        ("oci:images:v1", "conda-docker copy oci:images:v1 docker-daemon:app:1.0", "podman run --rm -it oci:images:v1"),
        ("docker-daemon:app:1.0", "docker run --rm -it app:1.0", "podman run --rm -it docker-daemon:app:1.0"),
    ],
)
def test_from_elsewhere(place: str, docker: str, podman: str) -> None:
    found = commands(place)
    assert found["docker"].splitlines()[0] == docker
    assert found["podman"].splitlines()[0] == podman
    assert found["kubernetes"].startswith("# conda-docker copy ")
    assert yaml.safe_load(found["kubernetes"])["kind"] == "Pod"


def test_hostile_ports_and_names_stay_words() -> None:
    found = commands("oci:x;reboot:v1", None, ("80; reboot", "1-2/tcp", "٣/tcp", "8080"), "0")
    assert "reboot" not in found["docker"].splitlines()[1]
    assert shlex.split(found["podman"]) == [
        *("podman", "run", "--rm", "-it", "-p", "1-2:1-2", "-p", "8080:8080"),
        "oci:x;reboot:v1",
    ]
    assert "securityContext" not in found["kubernetes"]
