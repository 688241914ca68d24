"""Images that have a shell, to run scripts in."""

from __future__ import annotations

import pytest

from conda_docker.errors import SandboxUnavailable
from conda_docker.sandbox import Sandbox, find_sandbox
from python_docker.image import Image
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
def base(runnable_base: Image) -> Image:
    """Return an image with a shell and the usual programs."""
    return runnable_base
