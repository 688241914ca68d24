"""Fixtures for tests of talking to engines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.python_docker.docker.fake_engine import FakeEngine


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide the settings for Docker, Podman and registries that this machine has."""
    for name in (
        *("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"),
        *("CONTAINER_HOST", "DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"),
        *(f"CONDA_DOCKER_REGISTRY_{name}" for name in ("URL", "USERNAME", "PASSWORD")),
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def fake_engine() -> Iterator[FakeEngine]:
    """Return an engine that knows no image, and that answers what a test tells it to."""
    engine = FakeEngine()
    yield engine
    engine.stop()
