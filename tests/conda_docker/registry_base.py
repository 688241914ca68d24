"""A base image in a registry, and how often each of its parts is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from conda_docker.image.index import finish_images
from python_docker.copying.delivery import Delivery
from python_docker.image import Image
from python_docker.spec.platform import Platform
from python_docker.spec.reference import ImageReference
from python_docker.transports import Location
from tests.peers import Registry


def push_base(registry: Registry, repository: str, platforms: Sequence[Platform]) -> str:
    """Return the name of a new image of three layers, or of an index of one for each of several platforms."""
    name = f"{registry.host}/{repository}:v1"
    images = []
    for platform in platforms:
        image = Image(platform=platform)
        for path in ("/etc/os-release", "/bin/sh", "/etc/motd"):
            image.add_layer_contents({path: f"{path} of {platform}".encode()})
        images.append(image)
    places = [Location("docker", "", name)]
    with Delivery(places, reference=ImageReference.parse(name), registry=lambda _: None) as delivery:
        finish_images(images, delivery)
    return name


def asked_for(registry: Registry, since: int) -> Counter[str]:
    """Return how often each manifest and blob was asked for since so many requests, by the last part of its path."""
    paths = [request.path for request in registry.requests(since)]
    return Counter(path.rpartition("/")[2] for path in paths if path != "/v2/")
