"""Names of earlier releases: `from conda_docker.docker.client import pull, save, load`."""

from __future__ import annotations

from python_docker.docker import load, pull, save

__all__ = ["load", "pull", "save"]
