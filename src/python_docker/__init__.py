"""Docker and OCI images, archives and registries in pure Python, without Docker.

>>> from python_docker import Image
>>> image = Image("hello", "v1")
>>> layer = image.add_layer_contents({"/greeting": b"hello"})
>>> image.layers[0].list_files()
['greeting']
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from python_docker.exports import lazy
from python_docker.version import __version__

if TYPE_CHECKING:
    from python_docker.copying.conversion import Conversion
    from python_docker.copying.copy import copy_image
    from python_docker.errors import Error
    from python_docker.image import Image, Layer
    from python_docker.progress import Progress
    from python_docker.registry import Registry
    from python_docker.registry.access.options import RegistryOptions
    from python_docker.spec.digest import Digest
    from python_docker.spec.platform import Platform
    from python_docker.spec.reference import ImageReference
    from python_docker.streams.compression import Compression
    from python_docker.transports import Location, open_image, write_image
    from python_docker.validation import validate

_HOMES = {
    "Compression": "streams.compression",
    "Conversion": "copying.conversion",
    "Digest": "spec.digest",
    "Error": "errors",
    "Image": "image",
    "ImageReference": "spec.reference",
    "Layer": "image",
    "Location": "transports.location",
    "Platform": "spec.platform",
    "Progress": "progress",
    "Registry": "registry",
    "RegistryOptions": "registry.access.options",
    "copy_image": "copying.copy",
    "open_image": "transports",
    "validate": "validation",
    "write_image": "transports",
}

__all__ = [
    "Compression",
    "Conversion",
    "Digest",
    "Error",
    "Image",
    "ImageReference",
    "Layer",
    "Location",
    "Platform",
    "Progress",
    "Registry",
    "RegistryOptions",
    "__version__",
    "copy_image",
    "open_image",
    "validate",
    "write_image",
]


__getattr__ = lazy(__name__, {name: f"{__name__}.{home}" for name, home in _HOMES.items()})


def __dir__() -> list[str]:
    """List the public names, imported yet or not."""
    return sorted(__all__)
