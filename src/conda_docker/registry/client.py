"""Names of earlier releases: `from conda_docker.registry.client import pull_image`."""

from __future__ import annotations

from python_docker.registry import pull_image

__all__ = ["pull_image"]
