"""A scheduler without workers, which is said."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

pytest.importorskip("distributed")

from conda_docker.baking.cluster import workers
from conda_docker.baking.cluster.scheduler import connect
from tests.conda_docker.baking.cluster.dask_processes import Cluster


def test_a_scheduler_without_workers_is_named_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(workers, "_PATIENCE", 0.1)
    monkeypatch.setattr(workers, "_INTERVAL", 0.05)
    said = threading.Event()

    class Hearing(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.set()

    handler = Hearing()
    workers._log.addHandler(handler)
    cluster = Cluster(tmp_path / "cluster", {})
    client = connect(cluster.start(0).address)
    try:
        with workers.told_of_no_workers(client):
            assert said.wait(30)
    finally:
        workers._log.removeHandler(handler)
        client.close()
        cluster.stop()
    [line] = [each.getMessage() for each in caplog.records if each.name == "conda_docker"]
    assert line.startswith(f"no workers at {cluster.address}; waiting (conda-docker bake --print-dask-worker")
