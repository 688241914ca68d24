"""Images in memory: an image, its layers, the blobs behind them, and the file system that layers merge into."""

from __future__ import annotations

from typing import TYPE_CHECKING

from python_docker.exports import lazy

if TYPE_CHECKING:
    from python_docker.image.image import Image
    from python_docker.image.layer import Layer

_HOMES = {"Image": "python_docker.image.image", "Layer": "python_docker.image.layer"}

__all__ = ["Image", "Layer"]


__getattr__ = lazy(__name__, _HOMES)  # whoever needs a blob needs no image
