"""Registries: pull, push, list and delete images without Docker.

`Registry` is one registry to talk to, `pull_image` the short way to an image. `python_docker.transports` names images
in registries `docker://REF`, for copies from and to other media.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from python_docker.image import Image
    from python_docker.registry.options import RegistryOptions
    from python_docker.registry.registry import Registry, pull_image

_HOMES = {
    # Imported from here by conda-store.
    "Image": "python_docker.image",
    "Registry": "python_docker.registry.registry",
    "RegistryOptions": "python_docker.registry.options",
    "pull_image": "python_docker.registry.registry",
}

__all__ = ["Image", "Registry", "RegistryOptions", "pull_image"]


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: options are named long before anything is sent."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
