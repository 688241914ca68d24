"""What one pass over a layer tells."""

from __future__ import annotations

import pytest

from conda_docker.report.layer_files import read_layer_files
from python_docker.errors import ContentMismatch
from python_docker.image import Image
from python_docker.image.blob import Blob
from python_docker.image.layer_builder import build_layer
from python_docker.tar import EntryType, TarEntry


def ignore(size: int) -> None:
    pass


def test_sizes_and_what_is_removed() -> None:
    with build_layer(None) as builder:
        builder.add(TarEntry("a", size=3), b"abc")
        builder.add(TarEntry("b", EntryType.HARDLINK, link_target="a"), b"")
        builder.add(TarEntry("folder", EntryType.DIRECTORY, 0o755), b"")
        builder.add(TarEntry("folder/.wh.gone"), b"")
        builder.add(TarEntry("anew/.wh..wh..opq"), b"")
    assert builder.layer is not None
    read: list[int] = []
    found = read_layer_files(builder.layer, read.append)
    assert dict(found.sizes) == {"a": 3, "b": 0}
    assert found.removed == {"folder/gone", "anew"}
    assert sum(read) == builder.layer.size


def test_a_damaged_layer_is_an_error() -> None:
    layer = Image().add_layer_contents({"/a": b"a"})
    content = layer.blob.open().read()
    damaged = Blob.from_bytes(content[:-1] + b"x", "application/octet-stream")
    with pytest.raises(ContentMismatch):
        read_layer_files(layer.with_blob(Blob(layer.descriptor, damaged.opener)), ignore)
