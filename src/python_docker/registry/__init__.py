"""Registries: pull, push, list and delete images without Docker.

`Registry` is one registry to talk to, `pull_image` the short way to an image. `python_docker.transports` names images
in registries `docker://REF`, for copies from and to other media.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from python_docker.exports import lazy

if TYPE_CHECKING:
    from python_docker.image import Image
    from python_docker.registry.access.options import RegistryOptions
    from python_docker.registry.registry import Registry, pull_image

_HOMES = {
    # Imported from here by conda-store.
    "Image": "python_docker.image",
    "Registry": "python_docker.registry.registry",
    "RegistryOptions": "python_docker.registry.access.options",
    "pull_image": "python_docker.registry.registry",
}

__all__ = ["Image", "Registry", "RegistryOptions", "pull_image"]


__getattr__ = lazy(__name__, _HOMES)  # options are named long before anything is sent
