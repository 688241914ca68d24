"""Schedulers of Dask that do not answer."""

from __future__ import annotations

import logging
import socket

import pytest

from conda_docker.baking.cluster import scheduler
from python_docker.errors import ConnectionFailed

dask = pytest.importorskip("dask")


def test_it_is_said_that_a_scheduler_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(scheduler, "_SOON", 0.2)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # where nobody listens
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        with (
            caplog.at_level(logging.WARNING, "conda_docker"),
            dask.config.set({"distributed.comm.timeouts.connect": "2s"}),
            pytest.raises(ConnectionFailed, match=address),
        ):
            scheduler.connect(address)
    assert [record.getMessage() for record in caplog.records if record.name == "conda_docker"] == [
        f"no answer from the Dask scheduler {address}; waiting for up to 2s"
    ]
