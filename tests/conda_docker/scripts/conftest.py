"""Images that have a shell, to run scripts in, and each kind of sandbox."""

from __future__ import annotations

import pytest

from conda_docker.sandbox import Sandbox
from python_docker.image import Image
from tests.conda_docker.sandboxes import USED, sandbox_of


@pytest.fixture(params=USED, ids=lambda kind: kind.name)
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """Return a sandbox of each kind."""
    return sandbox_of(request.param)


@pytest.fixture
def base(runnable_base: Image) -> Image:
    """Return an image with a shell and the usual programs."""
    return runnable_base
