"""A layer is compressed, hashed and stored while it is written, and nothing is left of one that was given up."""

from __future__ import annotations

from pathlib import Path

import pytest

from python_docker.errors import InvalidPath
from python_docker.image.blob_store import BlobStore
from python_docker.image.layer_builder import LayerBuilder, build_layer
from python_docker.spec.digest import Digest
from python_docker.spec.media_types import ImageFormat, layer_media_type
from python_docker.streams.compression import Compression
from python_docker.tar import TarEntry


@pytest.mark.parametrize("compression", [Compression.NONE, Compression.GZIP, Compression.ZSTD])
def test_digest_and_diff_id_are_those_of_what_was_written(compression: Compression) -> None:
    with build_layer(compression=compression) as builder:
        builder.add(TarEntry("hello", size=2), b"hi")
    layer = builder.layer
    assert layer is not None
    with layer.open() as stored, layer.open_uncompressed() as plain:
        assert (layer.digest, layer.diff_id) == (Digest.of(stored.read()), Digest.of(plain.read()))
    assert layer.descriptor.media_type == layer_media_type(ImageFormat.OCI, compression)


def test_there_is_no_layer_before_the_end() -> None:
    with build_layer() as builder:
        assert builder.layer is None


def test_a_layer_in_a_store(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    with build_layer(store.writer()) as builder:
        builder.add(TarEntry("hello", size=2), b"hi")
    assert builder.layer is not None
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [builder.layer.digest.encoded]


def test_nothing_is_left_of_a_layer_that_was_given_up(tmp_path: Path) -> None:
    with pytest.raises(InvalidPath), build_layer(BlobStore(tmp_path).writer()) as builder:
        builder.add(TarEntry("../etc/passwd"), b"")
    assert builder.layer is None
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_parents_have_the_wanted_time() -> None:
    with build_layer(parent_mtime=7) as builder:
        builder.add(TarEntry("a/b"), b"")
    assert isinstance(builder, LayerBuilder)
    assert builder.layer is not None
    assert {entry.path: entry.mtime for entry, _ in builder.layer.entries()} == {"a": 7, "a/b": 0}
