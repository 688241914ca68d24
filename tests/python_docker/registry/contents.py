"""Small images to push and pull."""

from __future__ import annotations

import random

from python_docker.image import Image
from python_docker.image.blob import Blob
from python_docker.image.layer import Layer
from python_docker.spec.digest import Digest
from python_docker.spec.documents.descriptor import Descriptor

GZIP_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def small_image(name: str, tag: str = "v1", *, seed: object = 0, layers: int = 3, size: int = 20_000) -> Image:
    """An image of layers whose content nothing can compress, other for every seed."""
    chance = random.Random(repr(seed))
    image = Image(name, tag)
    for number in range(layers):
        image.add_layer_contents({f"/file-{number}": chance.randbytes(size)})
    image.config["Env"] = [f"SEED={seed}"]
    return image


def random_blob(size: int, seed: object = 0, media_type: str = GZIP_LAYER) -> tuple[bytes, Blob]:
    """Content of that size, and it as a blob in memory."""
    content = random.Random(repr(seed)).randbytes(size)
    return content, Blob.from_bytes(content, media_type)


def descriptor_of(content: bytes) -> Descriptor:
    return Descriptor.of(content, GZIP_LAYER)


def opaque_layer(content: bytes) -> Layer:
    """A layer that no test looks into."""
    return Layer(Blob.from_bytes(content, GZIP_LAYER), Digest.of(content))


class Tally:
    """A task that adds up what it hears."""

    def __init__(self) -> None:
        self.moved = 0
        self.outcome: str | None = None

    def advance(self, size: int) -> None:
        self.moved += size

    def finish(self, outcome: str = "") -> None:
        self.outcome = outcome
