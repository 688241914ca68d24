"""Images in a registry that runs in memory."""

from __future__ import annotations

from python_docker import write_image
from python_docker.image import Image
from python_docker.registry.access.options import RegistryOptions
from python_docker.spec.documents.manifest import Manifest
from tests.python_docker.registry.stub_registry import StubRegistry


def push(stub: StubRegistry, image: Image, options: RegistryOptions, name: str = "team/app:v1") -> Manifest:
    return write_image(image, f"docker://{stub.host}/{name}", registry=options)
