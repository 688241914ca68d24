"""Names of earlier releases: `from python_docker.base import Image`."""

from __future__ import annotations

from python_docker.image import Image, Layer

__all__ = ["Image", "Layer"]
