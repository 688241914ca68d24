"""Names of earlier releases: `from docker_envs.docker.base import Image`."""

from __future__ import annotations

from python_docker.image import Image
from python_docker.image.layer import Layer

__all__ = ["Image", "Layer"]
