"""Images in memory: an image, its layers, the blobs behind them, and the file system that layers merge into."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from python_docker.image.image import Image
    from python_docker.image.layer import Layer

_HOMES = {"Image": "image", "Layer": "layer"}

__all__ = ["Image", "Layer"]


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: whoever needs a blob needs no image."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
