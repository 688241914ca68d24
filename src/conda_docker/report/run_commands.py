"""run_commands: how an image is run by Docker, Podman and Kubernetes, from the place where it is."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from conda_docker.report.contents import RunCommand

if TYPE_CHECKING:
    from python_docker.spec.digest import Digest
    from python_docker.transports.location import Location

_PORT = re.compile(r"(?P<port>\d{1,5}(?:-\d{1,5})?)(?:/(?P<protocol>tcp|udp|sctp))?", re.ASCII)
_NOT_A_LABEL = re.compile(r"[^a-z0-9]+")
_ARCHIVES = ("docker-archive", "oci-archive")


def run_commands(
    place: Location, name: str | None, digest: Digest, *, ports: Sequence[str], user: str
) -> tuple[RunCommand, ...]:
    """Return the commands. `name` is the image's own, None where it has none; `ports` and `user` are of its config."""
    published = [match for port in ports if (match := _PORT.fullmatch(port))]
    called = name or "image:latest"
    return (
        RunCommand("docker", _docker(place, called, published)),
        RunCommand("podman", _podman(place, called, published)),
        RunCommand("kubernetes", _kubernetes(place, called, digest, published, user)),
    )


def _run(program: str, name: str, published: Sequence[re.Match[str]]) -> str:
    words = [program, "run", "--rm", "-it"]
    for match in published:
        protocol = "" if match["protocol"] in (None, "tcp") else f"/{match['protocol']}"
        words += ["-p", f"{match['port']}:{match['port']}{protocol}"]
    return " ".join([*words, shlex.quote(name)])


def _docker(place: Location, name: str, published: Sequence[re.Match[str]]) -> str:
    run = _run("docker", name, published)
    if place.transport in ("docker", "docker-daemon"):
        return run
    if place.transport == "docker-archive":
        return f"docker load -i {shlex.quote(place.path)}\n{run}"
    return f"conda-docker copy {shlex.quote(str(place))} {shlex.quote(f'docker-daemon:{name}')}\n{run}"


def _podman(place: Location, name: str, published: Sequence[re.Match[str]]) -> str:
    if place.transport in _ARCHIVES:
        return f"podman load -i {shlex.quote(place.path)}\n{_run('podman', name, published)}"
    # Podman runs images from wherever they are, by the same names of places.
    return _run("podman", name if place.transport == "docker" else str(place), published)


def _kubernetes(place: Location, name: str, digest: Digest, published: Sequence[re.Match[str]], user: str) -> str:
    lines = []
    image = f"{name.partition('@')[0]}@{digest}" if "@" not in name else name
    if place.transport != "docker":
        image = f"REGISTRY/{name}"
        lines.append(f"# conda-docker copy {shlex.quote(str(place))} {shlex.quote(f'docker://{image}')}")
    label = _NOT_A_LABEL.sub("-", name.partition("@")[0].rpartition("/")[2].partition(":")[0].lower()).strip("-")
    lines += [
        "apiVersion: v1",
        "kind: Pod",
        "metadata:",
        f"  name: {json.dumps(label[:63].strip('-') or 'image')}",
        "spec:",
        "  containers:",
        "    - name: main",
        f"      image: {json.dumps(image)}",
    ]
    single = [match for match in published if match["port"].isdigit()]
    if single:
        lines.append("      ports:")
        for match in single:
            protocol = (match["protocol"] or "tcp").upper()
            lines += [f"        - containerPort: {int(match['port'])}", f"          protocol: {protocol}"]
    if user.partition(":")[0].isdigit() and int(user.partition(":")[0]):
        lines += ["      securityContext:", "        runAsNonRoot: true"]
    return "\n".join(lines)
