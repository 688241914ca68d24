"""Bakes on a Dask cluster: the digests of one machine, whatever becomes of workers, and no secrets on the way."""

from __future__ import annotations

import pickle
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("distributed")

from conda_docker import BakeResult, BuildOptions, Request, Target, bake, find_targets
from conda_docker.arguments.layer_repository import LayerRepository
from conda_docker.baking.cluster import cluster as clusters
from conda_docker.baking.cluster import scheduler
from conda_docker.baking.cluster.tasks import ImageTask, LayerTask, make_layer
from conda_docker.baking.cluster.worker_command import THREADS
from conda_docker.baking.layers.works import LayerWork
from conda_docker.baking.limits import Limits
from conda_docker.baking.running import Bake
from conda_docker.cli.exit_codes import ExitCode, exit_code_of
from conda_docker.errors import InvalidTargets, MissingExtra
from conda_docker.layers.recipe import Recipe
from python_docker.errors import ConnectionFailed, NotFound
from python_docker.transports import open_image
from python_docker.validation import validate
from tests.conda_docker.baking.cluster.dask_processes import Cluster
from tests.conda_docker.baking.conftest import PACKAGES
from tests.conda_docker.baking.environments import write_environments
from tests.conda_docker.channel_server import ChannelServer
from tests.peers import Registry


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Return a cluster that is not started yet."""
    made = Cluster(tmp_path / "cluster", {})
    yield made
    made.stop()


@pytest.fixture
def targets(server: ChannelServer, tmp_path: Path, registry: Registry, repository: str) -> list[Target]:
    """Return ten images that share packages, on their way to a registry, with a layer repository there."""
    write_environments(tmp_path / "modules", server.url, 10, PACKAGES)
    return find_targets(
        tmp_path / "modules",
        base="scratch",
        image=f"{registry.host}/{repository}/{{name}}:{{tag}}",
        push=True,
        options=BuildOptions(
            cache_dir=tmp_path / "client", cache_to=[LayerRepository(f"{registry.host}/{repository}/layers")]
        ),
    )


def here(targets: list[Target], folder: Path) -> dict[str, str]:
    """Return the digests that this machine gives."""
    alone = [
        replace(target, outputs=(), request=replace(target.request, options=BuildOptions(cache_dir=folder)))
        for target in targets
    ]
    return bake(alone, jobs=1).digests


def check_images(targets: list[Target], result: BakeResult, expected: dict[str, str]) -> None:
    """Check that all images are there, whole, with the digests that are expected."""
    result.raise_for_failures()
    assert result.digests == expected
    for target in targets:
        image = open_image(str(target.outputs[0]))
        assert str(image.digest) == expected[target.name]
        assert not validate(image).problems


def test_workers_make_each_layer_once_and_ask_for_none_that_was_made(
    cluster: Cluster,
    targets: list[Target],
    server: ChannelServer,
    registry: Registry,
    repository: str,
    tmp_path: Path,
) -> None:
    cluster.threads = THREADS
    result = bake(targets, jobs=1, scheduler=cluster.start(2).address)
    result.raise_for_failures()
    asked = [each for each in registry.requests() if f"/{repository}/layers/" in each.path]
    entries = Counter(each.path for each in asked if each.method == "GET")
    assert set(entries.values()) == {1}
    assert not [each for each in asked if each.method in ("GET", "HEAD") and each.status != 404]
    got = Counter(path for method, path in server.requests if method == "GET" and path.endswith(".conda"))
    assert set(got.values()) == {1}
    assert result.made == result.packages == len(got)
    assert sum(layer.known for each in result.targets for layer in each.layers) == 0
    check_images(targets, result, here(targets, tmp_path / "here"))
    again = bake(targets, jobs=1, scheduler=cluster.address)
    assert (again.made, again.known) == (0, result.made)
    assert not list((tmp_path / "client").rglob("*.conda"))


def test_workers_that_are_killed_and_a_scheduler_that_restarts(
    cluster: Cluster,
    targets: list[Target],
    server: ChannelServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(scheduler, "_PAUSE", 0.1)
    held = threading.Event()
    server.held[".conda"] = held
    cluster.start(2)
    done: list[BakeResult] = []
    baking = threading.Thread(target=lambda: done.append(bake(targets, jobs=1, scheduler=cluster.address)))
    baking.start()
    _wait_for(lambda: sum(path.endswith(".conda") for _, path in server.requests) >= 2)
    cluster.kill_worker()
    cluster.start_worker()
    held.set()
    _wait_for(lambda: sum(path.endswith(".conda") for _, path in server.requests) >= 6)
    cluster.kill_scheduler()
    while cluster.workers:
        cluster.kill_worker()
    cluster.start(2)
    baking.join(200)
    assert done, "the bake does not end"
    check_images(targets, done[0], here(targets, tmp_path / "here"))
    assert f"the Dask scheduler {cluster.address} has gone; waiting for it to come back" in caplog.messages
    assert "Traceback" not in caplog.text


def test_no_secret_is_sent_to_workers(
    targets: list[Target], server: ChannelServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secrets = {"channel": "s3cr3t-of-channel", "registry": "s3cr3t-of-registry"}
    monkeypatch.setenv("CONDA_DOCKER_REGISTRY_URL", "https://hub.example.com")
    monkeypatch.setenv("CONDA_DOCKER_REGISTRY_USERNAME", "user")
    monkeypatch.setenv("CONDA_DOCKER_REGISTRY_PASSWORD", secrets["registry"])
    server.credentials = ("user", secrets["channel"])
    url = server.url.replace("http://", f"http://user:{secrets['channel']}@")
    target = replace(
        targets[0],
        request=Request(
            specs=["pkg-003"],
            channels=[url],
            override_channels=True,
            base="scratch",
            options=targets[0].request.options,
        ),
    )
    with Bake([target], Limits(1)) as running:
        planned = running.plan()
    [each] = planned
    tasks: list[Any] = [LayerTask.of(work, target) for work in each.works]
    tasks.append(ImageTask.of(target, each.resolved, each.inputs))
    assert each.works
    private = pickle.dumps([each.works, each.resolved[0].environment])
    assert secrets["channel"].encode() in private
    for task in tasks:
        for secret in secrets.values():
            assert secret.encode() not in pickle.dumps(task)


def test_a_worker_that_would_write_other_bytes_says_so(targets: list[Target]) -> None:
    with Bake(targets[:1], Limits(1)) as running:
        [each] = running.plan()
    work = each.works[0]
    other = replace(LayerTask.of(work, targets[0]), release="0.1")
    failure = make_layer(other).failure
    assert failure is not None
    assert "this bake is of 0.1" in str(failure.error())
    changed = LayerWork("0" * 64, Recipe("/opt/conda"), work.members)
    failure = make_layer(LayerTask.of(changed, targets[0])).failure
    assert failure is not None
    assert "would write other bytes" in str(failure.error())


def test_names_of_tasks_are_those_of_packages(targets: list[Target]) -> None:
    with Bake(targets[:1], Limits(1)) as running:
        [each] = running.plan()
    work = each.works[0]
    assert clusters.layer_key(work) == ("layer", f"{work.members[0].name}-1.0-{work.key[:16]}")
    image = ImageTask.of(each.target, each.resolved, each.inputs)
    assert clusters.image_key(image) == ("image", f"tool000-{image.digest[:16]}")


def test_what_is_this_machines_alone_is_not_in_tasks(targets: list[Target], tmp_path: Path) -> None:
    (tmp_path / "own.txt").touch()
    request = targets[0].request
    options = replace(request.options, add=[(tmp_path / "own.txt", "/srv")])
    target = replace(targets[0], request=replace(request, options=options), finishing=_Finishing("s3cr3t key"))
    with Bake([target], Limits(1)) as running:
        [each] = running.plan()
    task = pickle.dumps(ImageTask.of(target, each.resolved, each.inputs, whole=False))
    assert b"own.txt" not in task
    assert b"s3cr3t" not in task
    assert b"s3cr3t" in pickle.dumps(target)


@dataclass
class _Finishing:
    key: str

    def attachments(self, results: Any) -> None:
        """Attach nothing."""

    def written(self, written: Any) -> None:
        """Hear nothing."""


def test_a_scheduler_that_is_not_there(targets: list[Target], monkeypatch: pytest.MonkeyPatch) -> None:
    import dask

    with (
        dask.config.set({"distributed.comm.timeouts.connect": "300ms"}),
        pytest.raises(ConnectionFailed, match=r"cannot reach the Dask scheduler tcp://127\.0\.0\.1:1"),
    ):
        bake(targets[:1], scheduler="tcp://127.0.0.1:1")


def test_a_schedulers_file_that_is_not_there(targets: list[Target], tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no scheduler's file"):
        bake(targets[:1], scheduler=str(tmp_path / "scheduler.json"))


def test_a_configuration_that_names_no_scheduler(targets: list[Target]) -> None:
    with pytest.raises(InvalidTargets, match="set DASK_SCHEDULER_ADDRESS") as caught:
        bake(targets[:1], scheduler="config")
    assert exit_code_of(caught.value) == ExitCode.USAGE


def test_without_dask_it_is_said_how_to_get_it(targets: list[Target], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(MissingExtra, match=r"pip install 'conda-docker\[dask\]'"):
        bake(targets[:1], scheduler="tcp://127.0.0.1:1")


def _wait_for(condition: Any) -> None:
    import time

    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.02)
