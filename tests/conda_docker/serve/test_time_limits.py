"""Work that would take for ever: it ends after the time that is configured, and clients hear of it."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from conda_docker.cache.folder import CacheFolder
from conda_docker.serve.configuration import Limits
from conda_docker.serve.making import builds
from tests.conda_docker.channel import File, SyntheticChannel, SyntheticPackage
from tests.conda_docker.channel_server import ChannelServer
from tests.conda_docker.serve.conftest import Start
from tests.conda_docker.serve.http.test_page_api import lock_text
from tests.conda_docker.serve.http.test_registry_api import layers_of
from tests.images import layer_tar, write_oci_layout
from tests.processes import wait_for
from tests.slow_registry import slow_registry

SOON, SHORT = Limits(solve_seconds=1), Limits(build_seconds=2)
ENOUGH = 10  # seconds, in which what is not held up has ended on the busiest machine


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
    answer = start(environments=environments, limits=SOON).get(path)
    assert answer.status_code == 404  # whose message Docker shows
    assert "takes longer than is allowed here: the index of wheels does not answer in time" in answer.text


@pytest.mark.parametrize("path", ["/v2/tool/manifests/latest", "/v1/plan?package=tool"])
def test_a_channel_that_never_answers(start: Start, stalled: str, path: str) -> None:
    answer = start(channels=(f"{stalled}/channel",), limits=SOON).get(path)
    assert answer.status_code == 404
    assert "a channel does not answer in time" in answer.text


def test_a_server_goes_on_after_work_that_took_too_long(
    start: Start, environments: Path, stalled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start(environments=environments, limits=Limits(solve_seconds=ENOUGH, builds=1))
    with monkeypatch.context() as patch:
        patch.setenv("PIP_INDEX_URL", f"{stalled}/simple")
        assert server.get("/v2/env/mixed/manifests/latest").status_code == 404
    assert server.get("/v2/tool/manifests/latest").status_code == 200
    wait_for(lambda: all(thread.name != "rattler" for thread in threading.enumerate()))


def test_a_registry_of_the_base_that_never_answers(start: Start, stalled: str) -> None:
    assert_ends(start(base=f"{stalled.removeprefix('http://')}/base:1", limits=SHORT), "/v2/tool/manifests/latest")


def test_a_base_that_comes_too_slowly(start: Start, tmp_path: Path) -> None:
    write_oci_layout(tmp_path / "base", [layer_tar({"noise": os.urandom(100_000)})])
    with slow_registry(tmp_path / "base", 2000) as base:
        server = start(base=base, limits=SHORT)
        pulled = server.get("/v2/tool/manifests/latest")
        if pulled.status_code == 200:  # of which no layer was read
            [child] = pulled.json()["manifests"]
            manifest = server.get(f"/v2/tool/manifests/{child['digest']}").json()
            assert_ends(server, f"/v2/tool/blobs/{manifest['layers'][0]['digest']}")
        else:
            assert_too_long(pulled)


def test_a_package_that_never_comes(start: Start, channel: SyntheticChannel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builds, "_SLOW", 2 * ENOUGH)  # errors that took longer to find are told again
    held = threading.Event()
    files = ChannelServer(channel.folder, held={"tool-3.12.1-0.conda": held}).start()
    try:
        server = start(channels=(files.url,), limits=Limits(build_seconds=ENOUGH))
        assert_ends(server, "/v2/tool/manifests/latest")
        # Whoever looks at the page hears of it.
        assert "takes longer than this server allows" in server.get("/v1/plan?package=tool").json()["failure"]
        held.set()
        assert server.get("/v2/tool/manifests/latest").status_code == 200
        assert server.get("/v1/plan?package=tool").json()["failure"] is None
    finally:
        held.set()
        files.stop()


def test_a_layer_that_cannot_be_made_again_in_time(start: Start, channel: SyntheticChannel, cache: CacheFolder) -> None:
    held = threading.Event()
    held.set()
    files = ChannelServer(channel.folder, held={"tool-3.12.1-0.conda": held}).start()
    try:
        server = start(channels=(files.url,), limits=Limits(build_seconds=ENOUGH))
        layers = layers_of(server, "tool")
        for folder in ("blobs", "packages"):
            shutil.rmtree(cache.root / folder)
        held.clear()
        answers = [server.get(f"/v2/tool/blobs/{layer['digest']}") for layer in layers]
        late = [answer for answer in answers if answer.status_code != 200]
        assert len(late) == 1
        assert_too_long(late[0])
    finally:
        held.set()
        files.stop()


def test_a_layer_repository_that_never_answers(start: Start, stalled: str) -> None:
    layers = f"{stalled.removeprefix('http://')}/layers"
    assert_ends(start(cache_from=(layers,), limits=SHORT), "/v2/tool/manifests/latest")


def test_a_wheel_of_a_posted_lock_that_never_comes(start: Start, channel: SyntheticChannel, stalled: str) -> None:
    wheel = {"name": "six", "version": "1.0", "url": f"{stalled}/six-1.0-py3-none-any.whl", "sha256": "0" * 64}
    server = start(wheels=(f"{stalled}/",), limits=SHORT)
    assert_too_long(server.post("/v1/locks", content=lock_text(channel, wheels=[wheel])))


def test_a_channel_that_does_not_answer_whoever_posts_a_lock(
    start: Start, channel: SyntheticChannel, stalled: str
) -> None:
    sha256 = "0" * 64
    text = f"@EXPLICIT\n{stalled}/linux-64/tool-3.12.1-0.conda#sha256:{sha256}\n"
    assert_too_long(start(channels=(stalled,), limits=SHORT).post("/v1/locks", content=text))


def test_what_was_known_is_served_while_a_channel_does_not_answer(start: Start, channel: SyntheticChannel) -> None:
    held = threading.Event()
    held.set()
    files = ChannelServer(channel.folder, held={"repodata.json": held, ".zst": held, ".jlap": held}).start()
    try:
        server = start(channels=(files.url,), limits=Limits(solve_seconds=ENOUGH, latest_seconds=0))
        before = server.get("/v2/tool/manifests/latest")
        assert before.status_code == 200
        held.clear()
        after = server.get("/v2/tool/manifests/latest")
        assert (after.status_code, after.content) == (200, before.content)
    finally:
        held.set()
        files.stop()


def assert_ends(server: TestClient, path: str) -> None:
    answer = server.get(path)
    assert_too_long(answer)


def assert_too_long(answer: Any) -> None:
    assert answer.status_code == 429, answer.text
    assert answer.headers["Retry-After"] == "60"
    assert "takes longer than this server allows" in answer.text
