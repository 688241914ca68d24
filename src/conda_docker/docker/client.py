"""Names of earlier releases: `from conda_docker.docker.client import pull, save, load`."""

from __future__ import annotations

import os

from python_docker import docker
from python_docker.docker import load

__all__ = ["load", "pull", "save"]


def pull(name: str, tag: str | None = None) -> None:
    """Have Docker pull an image."""
    docker.pull(name, tag)


def save(name: str, tag: str | None, filename: str | os.PathLike[str]) -> None:
    """Have Docker save an image to an archive."""
    docker.save(name, tag, filename)
