"""Fixtures that keep the settings of this machine out of the tests, and servers of channels."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conda_docker.channels import search_path
from tests.conda_docker.channel_server import ChannelServer


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the empty home of a user with no conda, no configuration, no credentials and no caches."""
    for name in list(os.environ):
        if name.startswith(("CONDA", "_CONDA", "MAMBA", "PIXI", "RATTLER", "XDG_", "BINSTAR", "SSL_", "NETRC")):
            monkeypatch.delenv(name)
    for name in (
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
    ):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("RATTLER_CACHE_DIR", str(tmp_path / "rattler-cache"))
    monkeypatch.setenv("PATH", os.defpath)
    monkeypatch.setattr(search_path, "_SYSTEM_FOLDERS", ())
    monkeypatch.setattr(search_path, "_SYSTEM_ROOTS", ())
    return folder


@pytest.fixture
def serve() -> Iterator[Callable[..., ChannelServer]]:
    """Return `ChannelServer` less its start: each server listens at once and is stopped after the test."""
    running: list[ChannelServer] = []

    def start(folder: Path, *, context: Any = None, **options: Any) -> ChannelServer:
        running.append(ChannelServer(folder, **options).start(context))
        return running[-1]

    yield start
    for server in running:
        server.stop()
