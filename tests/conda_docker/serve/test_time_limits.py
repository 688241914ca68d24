"""Work that would take for ever: it ends after the time that is configured, and clients hear of it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conda_docker.serve.configuration import Limits
from tests.conda_docker.channel import File, SyntheticChannel, SyntheticPackage
from tests.conda_docker.serve.conftest import Start

SOON = Limits(solve_seconds=1)
ENOUGH = 30  # seconds, in which what is bounded has ended on the busiest machine


@pytest.fixture
def stalled() -> Iterator[str]:
    """Return the URL of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def environments(channel: SyntheticChannel, tmp_path: Path) -> Path:
    """Return a folder with an environment that asks pip for a package."""
    channel.add(SyntheticPackage(name="python", version="3.12.1", files={"bin/python3.12": File(b"python")}))
    folder = tmp_path / "environments"
    folder.mkdir()
    (folder / "mixed.yml").write_text("dependencies: [python, {pip: [six]}]\n")
    return folder


@pytest.mark.parametrize("path", ["/v2/env/mixed/manifests/latest", "/v1/plan?name=env/mixed"])
def test_an_index_of_wheels_that_never_answers(
    start: Start, environments: Path, stalled: str, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", f"{stalled}/simple")
    began = time.monotonic()
    answer = start(environments=environments, limits=SOON).get(path)
    assert time.monotonic() - began < ENOUGH
    assert answer.status_code == 404  # whose message Docker shows
    assert "takes longer than is allowed here: the index of wheels does not answer in time" in answer.text


@pytest.mark.parametrize("path", ["/v2/tool/manifests/latest", "/v1/plan?package=tool"])
def test_a_channel_that_never_answers(start: Start, stalled: str, path: str) -> None:
    began = time.monotonic()
    answer = start(channels=(f"{stalled}/channel",), limits=SOON).get(path)
    assert time.monotonic() - began < ENOUGH
    assert answer.status_code == 404
    assert "a channel does not answer in time" in answer.text


def test_a_server_goes_on_after_work_that_took_too_long(
    start: Start, environments: Path, stalled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start(environments=environments, limits=Limits(solve_seconds=1, builds=1))
    with monkeypatch.context() as patch:
        patch.setenv("PIP_INDEX_URL", f"{stalled}/simple")
        assert server.get("/v2/env/mixed/manifests/latest").status_code == 404
    assert server.get("/v2/tool/manifests/latest").status_code == 200
    assert not [thread for thread in threading.enumerate() if thread.name == "rattler"]
