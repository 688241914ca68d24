"""Images that have a shell, to run scripts in."""

from __future__ import annotations

import pytest

from conda_docker.errors import SandboxUnavailable
from conda_docker.sandbox import Sandbox, find_sandbox
from python_docker.image import Image
from python_docker.layer import build_layer
from python_docker.tar import TarEntry
from tests.peers.availability import REQUIRE_PEERS


@pytest.fixture
def sandbox() -> Sandbox:
    """Return this machine's sandbox; the test is skipped where there is none, or fails where peers are required."""
    try:
        return find_sandbox()
    except SandboxUnavailable as error:
        if REQUIRE_PEERS:
            raise
        pytest.skip(str(error))


@pytest.fixture
def base(runnable_files: dict[str, bytes]) -> Image:
    """Return an image with a shell and the usual programs."""
    image = Image()
    with build_layer(None) as builder:
        for path, content in runnable_files.items():
            builder.add(TarEntry(path, mode=0o755, size=len(content)), content)
    assert builder.layer is not None
    image.add_layer(builder.layer)
    return image
