"""Finding an engine, and saying what was looked for when there is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from python_docker.docker import endpoint as endpoints
from python_docker.docker.api import EngineApi
from python_docker.docker.command import EngineCommand
from python_docker.docker.endpoint import Endpoint
from python_docker.docker.engine import find_engine
from python_docker.errors import EngineNotFound
from tests.python_docker.docker.fake_engine import FakeEngine, http_answer


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide the engines and the programs that this machine has."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    listen_at(monkeypatch)


def listen_at(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Make these the places where engines listen."""
    monkeypatch.setattr(endpoints, "usual_endpoints", lambda: [Endpoint(address, "a test") for address in addresses])


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., None]:
    """Return what makes a program out of a line for the shell."""

    def make(name: str, line: str) -> None:
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / "bin" / name).chmod(0o755)

    return make


def test_docker_host_is_the_engine(fake_engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", fake_engine.host)
    engine = find_engine()
    assert isinstance(engine, EngineApi)
    assert engine.endpoint == Endpoint(fake_engine.host, "DOCKER_HOST")


def test_no_other_engine_stands_in_for_docker_host(
    fake_engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, program: Callable[..., None], tmp_path: Path
) -> None:
    listen_at(monkeypatch, fake_engine.host)
    program("docker", "exit 0")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/gone.sock")
    with pytest.raises(EngineNotFound, match=r"gone\.sock \(DOCKER_HOST\): .*it is not there"):
        find_engine()


def test_the_first_that_answers_is_taken(
    fake_engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    listen_at(monkeypatch, f"unix://{tmp_path}/gone.sock", fake_engine.host)
    engine = find_engine()
    assert isinstance(engine, EngineApi)
    assert engine.endpoint.address == fake_engine.host


def test_what_is_no_engine_is_passed_over(
    fake_engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, program: Callable[..., None]
) -> None:
    fake_engine.answers["GET /version"] = [http_answer(b"<html>")]
    listen_at(monkeypatch, fake_engine.host)
    program("podman", "exit 0")
    assert find_engine().name == "podman"


def test_the_docker_command_goes_before_podmans(program: Callable[..., None]) -> None:
    program("docker", "exit 0")
    program("podman", "exit 0")
    engine = find_engine()
    assert isinstance(engine, EngineCommand)
    assert engine.name == "docker"


def test_a_docker_command_without_an_engine_is_passed_over(program: Callable[..., None]) -> None:
    program("docker", "echo Cannot connect to the Docker daemon >&2; exit 1")
    program("podman", "exit 0")
    assert find_engine().name == "podman"


def test_the_command_is_left_what_only_it_can(program: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    program("docker", "exit 0")
    program("podman", "exit 0")
    monkeypatch.setenv("CONTAINER_HOST", "ssh://core@localhost:2222/run/podman/podman.sock")
    assert find_engine().name == "podman"
    monkeypatch.setenv("DOCKER_HOST", "fd://")
    assert find_engine().name == "docker"


@pytest.mark.parametrize("host", ["", "ssh://core@localhost:2222/run/podman/podman.sock"])
def test_in_haste_no_command_is_started(
    program: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str
) -> None:
    program("docker", f"touch {tmp_path}/started")
    program("podman", f"touch {tmp_path}/started")
    monkeypatch.setenv("CONTAINER_HOST", host)
    with pytest.raises(EngineNotFound):
        find_engine(patience=1.0)
    assert not (tmp_path / "started").exists()


def test_no_engine_tells_what_was_looked_for(
    monkeypatch: pytest.MonkeyPatch, program: Callable[..., None], tmp_path: Path
) -> None:
    listen_at(monkeypatch, f"unix://{tmp_path}/gone.sock")
    program("docker", "echo Cannot connect to the Docker daemon >&2; exit 1")
    with pytest.raises(EngineNotFound) as failed:
        find_engine()
    lines = str(failed.value).splitlines()
    assert lines[0] == "no Docker or Podman was found. Looked for:"
    assert "gone.sock (a test): it is not there" in lines[1]
    assert lines[2] == "  the command docker: `docker version` fails: Cannot connect to the Docker daemon"
    assert lines[3] == "  the command podman: it is not there"
    assert lines[4].startswith("Install and start Docker (https://")
