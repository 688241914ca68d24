"""Where a Docker Engine, or Podman in its place, listens: what the user's settings name, else the usual sockets.

The order is the docker command's (docker/cli, cli/command/cli.go): `DOCKER_HOST`, `DOCKER_CONTEXT`, `currentContext` of
`config.json`, the default socket. Podman's `CONTAINER_HOST` and the sockets of rootless engines come after these.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from python_docker.errors import EngineError, EngineNotFound, reason_of
from python_docker.files.home import home_folder
from python_docker.files.regular import read_regular_file

_LARGEST = 1 << 20  # bytes of a file of Docker's command line

SCHEMES = ("unix", "tcp", "http", "https", "npipe", "ssh")


@dataclass(frozen=True, slots=True)
class Tls:
    """How a TLS connection is secured: PEM files that are there, and whether the server must prove who it is."""

    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    verify: bool = True

    @classmethod
    def in_folder(cls, folder: Path, *, verify: bool) -> Tls:
        """Return the files of a folder under the names that Docker gives them: `ca.pem`, `cert.pem`, `key.pem`."""
        authority, certificate, key = (
            path if (path := folder / name).is_file() else None for name in ("ca.pem", "cert.pem", "key.pem")
        )
        return cls(authority, certificate, key, verify)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address such as `unix:///var/run/docker.sock`, and who says that an engine listens there.

    >>> Endpoint("tcp://build.example:2376", "DOCKER_HOST").scheme
    'tcp'
    """

    address: str
    origin: str
    tls: Tls | None = None
    command: str = "docker"
    """The command that reads the same settings."""

    @property
    def scheme(self) -> str:
        """The part before `://`; an address without one is Docker's short form of `tcp`."""
        scheme, separator, _ = self.address.partition("://")
        return scheme.lower() if separator else "tcp"

    @property
    def has_api(self) -> bool:
        """Whether the engine can be spoken to from here without the command."""
        if self.scheme == "ssh":
            return False  # the command does better: it knows ~/.ssh/config, agents and other sockets
        return self.scheme in SCHEMES

    @property
    def path(self) -> str:
        """The part after `://`: of a socket or a named pipe, its path."""
        return self.address.partition("://")[2]

    def __str__(self) -> str:
        return f"{self.address} ({self.origin})"


def chosen_endpoint(environment: Mapping[str, str] = os.environ) -> Endpoint | None:
    """Return the endpoint that the user's settings name, None when they name none.

    Raises `EngineNotFound` for a context that is not there, `EngineError` for settings that cannot be read.
    """
    if host := environment.get("DOCKER_HOST"):
        return Endpoint(host, "DOCKER_HOST", _tls_of(environment))
    config = docker_config_folder(environment)
    name, origin = environment.get("DOCKER_CONTEXT"), "DOCKER_CONTEXT"
    if not name:
        name, origin = _current_context(config / "config.json"), f"currentContext of {config / 'config.json'}"
    if name and name != "default":
        return _context(config / "contexts", name, origin)
    if host := environment.get("CONTAINER_HOST"):
        return Endpoint(host, "CONTAINER_HOST", command="podman")
    return None


def usual_endpoints(environment: Mapping[str, str] = os.environ) -> list[Endpoint]:
    """Return where engines listen when nothing is said: Docker for all users, Docker of this user, then Podman
    likewise.
    """
    if sys.platform == "win32":
        pipes = {"docker_engine": "Docker", "podman-machine-default": "Podman"}
        return [Endpoint(f"npipe:////./pipe/{pipe}", f"{name}'s default pipe") for pipe, name in pipes.items()]
    runtime = Path(environment.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    home = home_folder(environment)
    sockets = {
        Path("/var/run/docker.sock"): "Docker's default socket",
        runtime / "docker.sock": "rootless Docker",
        home / ".docker" / "run" / "docker.sock": "Docker Desktop",
        home / ".docker" / "desktop" / "docker.sock": "Docker Desktop",
        Path("/run/podman/podman.sock"): "Podman's default socket",
        runtime / "podman" / "podman.sock": "rootless Podman",
    }
    return [Endpoint(f"unix://{path}", origin) for path, origin in sockets.items()]


def docker_config_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of the docker command's settings."""
    named = environment.get("DOCKER_CONFIG")
    return Path(named) if named else home_folder(environment) / ".docker"


def _tls_of(environment: Mapping[str, str]) -> Tls | None:
    verify = bool(environment.get("DOCKER_TLS_VERIFY"))
    if not verify and not environment.get("DOCKER_TLS"):
        return None
    folder = environment.get("DOCKER_CERT_PATH")
    return Tls.in_folder(Path(folder) if folder else docker_config_folder(environment), verify=verify)


def _current_context(path: Path) -> str | None:
    # As Docker does it: settings of another user name nothing. Path.is_file() raises for these.
    if not os.path.isfile(path) or not os.access(path, os.R_OK):  # noqa: PTH113
        return None
    name = _read_object(path).get("currentContext")
    return name if isinstance(name, str) else None


def _context(contexts: Path, name: str, origin: str) -> Endpoint:
    """Return a context of the docker command: a folder named by the digest of its name."""
    folder_name = hashlib.sha256(name.encode()).hexdigest()
    path = contexts / "meta" / folder_name / "meta.json"
    if not os.path.isfile(path):  # noqa: PTH113 -- Path.is_file() raises for settings of another user
        raise EngineNotFound(
            f"{origin} names the Docker context {name!r}, which is not there: `docker context ls` lists those that are"
        )
    endpoints = _read_object(path).get("Endpoints")
    endpoint = endpoints.get("docker") if isinstance(endpoints, dict) else None
    host = endpoint.get("Host") if isinstance(endpoint, dict) else None
    if not isinstance(endpoint, dict) or not isinstance(host, str) or not host:
        raise EngineError(f"the Docker context {name!r} names no Docker Engine ({path})")
    tls = Tls.in_folder(contexts / "tls" / folder_name / "docker", verify=not endpoint.get("SkipTLSVerify"))
    secured = tls.authority or tls.certificate or not tls.verify
    return Endpoint(host, f"the Docker context {name!r}", tls if secured else None)


def _read_object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_regular_file(path, _LARGEST))
    except (OSError, ValueError, RecursionError) as error:
        raise EngineError(f"cannot read {path}: {reason_of(error)}") from None
    if not isinstance(content, dict):
        raise EngineError(f"cannot read {path}: it holds no JSON object")
    return content
