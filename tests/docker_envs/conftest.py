"""Fixtures of these tests."""

from __future__ import annotations

from tests.conda_docker.conftest import synthetic_channel

__all__ = ["synthetic_channel"]
