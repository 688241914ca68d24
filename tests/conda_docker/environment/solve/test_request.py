"""A solver is asked for something, for a platform that images can have."""

from __future__ import annotations

import pytest

from conda_docker.errors import InvalidEnvironment, UnsupportedInput
from tests.conda_docker.environment.solving import solve_request


def test_nothing_asked_for() -> None:
    with pytest.raises(InvalidEnvironment, match="no packages were asked for"):
        solve_request()


def test_a_platform_without_images() -> None:
    with pytest.raises(UnsupportedInput, match="do not run in a Linux image"):
        solve_request("numpy", subdir="osx-arm64")
