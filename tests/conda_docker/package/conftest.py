"""Fixtures for packages and where they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conda_docker.environment.conftest import home  # noqa: F401 -- keeps this machine's settings out
from tests.conda_docker.package.faulty_server import FaultyServer


@pytest.fixture
def serve() -> Iterator[Callable[[Path], FaultyServer]]:
    """Return what serves a folder; each server is stopped after the test."""
    running: list[FaultyServer] = []

    def start(folder: Path) -> FaultyServer:
        running.append(FaultyServer(folder))
        return running[-1]

    yield start
    for server in running:
        server.stop()
