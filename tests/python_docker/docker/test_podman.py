"""A real Podman: by its API, and by its command where no socket answers."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from python_docker.copying.copy import copy_image
from python_docker.docker import endpoint as endpoints
from python_docker.docker.api import EngineApi
from python_docker.docker.command import EngineCommand
from python_docker.docker.engine import find_engine
from python_docker.docker.process import Process
from python_docker.image import Image
from python_docker.image.layer_builder import build_layer
from python_docker.tar import TarEntry
from python_docker.transports import open_image, write_image
from python_docker.validation import validate
from tests.peers import Podman, podman_variables
from tests.peers.availability import require


@pytest.fixture
def by_socket(podman_engine: Podman, monkeypatch: pytest.MonkeyPatch) -> Podman:
    """Return the tests' Podman, as the one that is found."""
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("CONTAINER_HOST", podman_engine.host)
    return podman_engine


@pytest.fixture
def by_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Make the command `podman` the only way to an engine; return the folder that it keeps everything in."""
    program = require("podman")
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "podman").symlink_to(program)
    # What podman starts for itself is in the usual folders; a docker command there would go first.
    monkeypatch.setenv("PATH", str(folder))
    for name in ("DOCKER_HOST", "CONTAINER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(endpoints, "usual_endpoints", list)
    for name, value in podman_variables(tmp_path / "podman").items():
        monkeypatch.setenv(name, value)
    return tmp_path / "podman"


def image_of(runnable_files: dict[str, bytes], unique: str, layers: int = 1) -> Image:
    image = Image("localhost/tests", unique)
    for number in range(layers):
        files = runnable_files if number == 0 else {f"share/{number}": str(number).encode()}
        with build_layer(None) as builder:
            for path, content in files.items():
                builder.add(TarEntry(path, mode=0o755, size=len(content)), content)
            builder.add(TarEntry(f"etc/{unique}-{number}", size=0), b"")
        assert builder.layer is not None
        image.add_layer(builder.layer)
    image.config["Cmd"] = ["/bin/sh", "-c", "echo started"]
    return image


def test_what_is_loaded_by_the_api_runs(by_socket: Podman, runnable_files: dict[str, bytes]) -> None:
    image = image_of(runnable_files, "api")
    assert isinstance(find_engine(), EngineApi)
    write_image(image, "docker-daemon:localhost/tests:api")
    assert by_socket.run("localhost/tests:api").stdout == "started\n"
    assert by_socket.run("localhost/tests:api", "id", "-u", options=("--user", "1000")).stdout == "1000\n"
    read_only = by_socket.run("localhost/tests:api", "sh", "-c", "touch /x || echo no", options=("--read-only",))
    assert read_only.stdout == "no\n"


def test_as_many_layers_as_an_image_has_by_default(by_socket: Podman, runnable_files: dict[str, bytes]) -> None:
    write_image(image_of(runnable_files, "many", 120), "docker-daemon:localhost/tests:many")
    assert by_socket.run("localhost/tests:many", "sh", "-c", "cat share/1 share/119").stdout == "1119"


def test_what_podman_has_is_read_by_the_api(
    by_socket: Podman, runnable_files: dict[str, bytes], tmp_path: Path
) -> None:
    image = image_of(runnable_files, "read")
    write_image(image, "docker-daemon:localhost/tests:read")
    found = open_image("docker-daemon:localhost/tests:read")
    assert [layer.diff_id for layer in found.layers] == [layer.diff_id for layer in image.layers]
    assert validate(found).ok
    copy_image("docker-daemon:localhost/tests:read", f"oci:{tmp_path / 'layout'}:v1")
    assert open_image(f"oci:{tmp_path / 'layout'}:v1").config.environment == found.config.environment


def test_an_image_runs_by_the_api(by_socket: Podman, runnable_files: dict[str, bytes]) -> None:
    write_image(image_of(runnable_files, "run"), "docker-daemon:localhost/tests:run")
    out, err = io.BytesIO(), io.BytesIO()
    code = find_engine().run("localhost/tests:run", Process.of("echo out; exit 3"), out.write, err.write)
    assert (code, out.getvalue()) == (3, b"out\n"), err.getvalue()


def test_load_inspect_and_save_by_the_command(by_command: Path, runnable_files: dict[str, bytes]) -> None:
    image = image_of(runnable_files, "command")
    engine = find_engine()
    assert isinstance(engine, EngineCommand)
    assert engine.name == "podman"
    write_image(image, "docker-daemon:localhost/tests:command")
    found = open_image("docker-daemon:localhost/tests:command")
    assert [layer.diff_id for layer in found.layers] == [layer.diff_id for layer in image.layers]
    assert (by_command / "data").is_dir()
