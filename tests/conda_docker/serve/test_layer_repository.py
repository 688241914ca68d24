"""Servers with a layer repository behind them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from conda_docker.cache.folder import CacheFolder
from tests.conda_docker.channel import SyntheticChannel
from tests.conda_docker.serve.conftest import Start
from tests.conda_docker.serve.http.test_registry_api import get, layers_of, pull
from tests.peers import Registry


def test_layers_are_shared_by_a_repository(
    start: Start, registry: Registry, repository: str, tmp_path: Path, channel: SyntheticChannel
) -> None:
    layers = f"{registry.host}/{repository}"
    before = pull(start(cache_to=(layers,)), "tool")
    for package in channel.folder.glob("linux-64/*.conda"):
        package.unlink()
    other = start(CacheFolder(tmp_path / "other"), cache_from=(layers,))
    assert pull(other, "tool") == before


def test_clients_are_sent_to_the_repository(start: Start, registry: Registry, repository: str, tmp_path: Path) -> None:
    layers = f"{registry.host}/{repository}"
    pull(start(cache_to=(layers,)), "tool")
    other = start(CacheFolder(tmp_path / "other"), cache_from=(layers,), redirect=True)
    found = layers_of(other, "tool")
    answers = [other.get(f"/v2/tool/blobs/{layer['digest']}") for layer in found]
    assert [answer.status_code for answer in answers] == [307, 307, 200]  # the environment's own layer is here
    place = f"https://{registry.host}/v2/{repository}/blobs/"
    assert [answer.headers["Location"] for answer in answers[:2]] == [place + layer["digest"] for layer in found[:2]]


def test_a_repository_that_fails_costs_nothing_but_time(
    start: Start, start_registry: Callable[..., Registry], cache: CacheFolder
) -> None:
    registry = start_registry()
    layers = f"{registry.host}/layers"
    client = start(cache_from=(layers,), cache_to=(layers,))
    before = pull(client, "tool")
    registry.stop()
    shutil.rmtree(cache.root / "blobs")
    assert pull(start(cache_from=(layers,)), "tool") == before
    get(start(cache_from=(layers,), cache_to=(layers,)), "/v2/text/manifests/latest")
