"""What is said while a bake waits for a scheduler without workers, and for workers that end nothing."""

from __future__ import annotations

import logging
import os
import queue
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("distributed")

from conda_docker.baking.cluster import scheduler, waiting
from conda_docker.baking.cluster.scheduler import Client, Future, connect
from tests.conda_docker.baking.cluster.dask_processes import Cluster
from tests.processes import LONG


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a moment where users wait for minutes."""
    monkeypatch.setattr(waiting, "_PATIENCE", 0.1)
    monkeypatch.setattr(waiting, "_INTERVAL", 0.05)
    monkeypatch.setattr(waiting, "_SILENCE", 0.5)
    monkeypatch.setattr(scheduler, "_ANSWER", 60.0)


@pytest.fixture
def said() -> Iterator[queue.SimpleQueue[str]]:
    """Return what is logged."""
    heard: queue.SimpleQueue[str] = queue.SimpleQueue()

    class Hearing(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.put(record.getMessage())

    handler = Hearing()
    waiting._log.addHandler(handler)
    yield heard
    waiting._log.removeHandler(handler)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Return a cluster that is not started yet."""
    made = Cluster(tmp_path / "cluster", {})
    yield made
    made.stop()


def connected(cluster: Cluster, workers: int) -> Client:
    """Return a client of a cluster of so many workers, which are there."""
    client = connect(cluster.start(workers).address)
    while len(client.nthreads()) < workers:
        time.sleep(0.02)
    # The scheduler knows a worker for a moment before it gives it anything to do.
    for number in range(workers):
        client.submit(time.sleep, 0, key=("begun", str(number)), priority=0, retries=0, pure=True).result()
    return client


def test_a_scheduler_without_workers_is_named_once(cluster: Cluster, said: queue.SimpleQueue[str]) -> None:
    client = connected(cluster, 0)
    with waiting.told_while_waiting(client):
        line = said.get(timeout=120)
        time.sleep(0.7)
    client.close()
    assert line.startswith(f"no workers at {cluster.address}; waiting (conda-docker bake --print-dask-worker")
    assert said.empty()


def test_a_worker_that_stands_still_is_named_with_what_it_is_at(
    cluster: Cluster, said: queue.SimpleQueue[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "_ANSWER", 1.0)
    client = connected(cluster, 1)
    [worker] = client.nthreads()
    [process] = cluster.workers
    os.kill(process.pid, signal.SIGSTOP)
    try:
        task = _sleep(client, 60)
        with waiting.told_while_waiting(client) as told:
            while "waiting for the scheduler" in (line := said.get(timeout=LONG)):
                told.heard()  # it has not given the task to the worker yet
    finally:
        os.kill(process.pid, signal.SIGCONT)
    assert task.status == "pending"
    client.close()
    assert line.startswith(f"no task has ended at {cluster.address} for ")
    assert f"waiting for layer numpy at {worker}, which does not answer" in line


def test_a_worker_that_works_is_named_until_it_ends_something(cluster: Cluster, said: queue.SimpleQueue[str]) -> None:
    client = connected(cluster, 1)
    [worker] = client.nthreads()
    task = _sleep(client, 60)
    with waiting.told_while_waiting(client) as told:
        while "waiting for the scheduler" in (first := said.get(timeout=LONG)):
            told.heard()
        told.heard()
        second = said.get(timeout=LONG)
    assert task.status == "pending"
    client.close()
    assert first.endswith(f"waiting for layer numpy at {worker}")
    assert second == first


def _sleep(client: Client, seconds: float) -> Future:
    """Have a worker do nothing for so long, while the task is held on to."""
    return client.submit(time.sleep, seconds, key=("layer", "numpy"), priority=0, retries=0, pure=True)
