"""Layer: lazy, checked, and the same in every compression."""

from __future__ import annotations

import hashlib
import io
import random
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from python_docker.errors import ContentMismatch, InvalidLayer, UnsupportedFormat
from python_docker.image.blob import Blob
from python_docker.image.blob_store import BlobStore
from python_docker.image.layer import Layer
from python_docker.image.layer_builder import build_layer
from python_docker.spec.digest import Digest
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.image_config import History
from python_docker.spec.media_types import ImageFormat, layer_media_type
from python_docker.streams.compression import Compression, open_decompressed
from python_docker.tar import TarEntry
from tests.images import layer_tar
from tests.python_docker.making import compress
from tests.python_docker.tar.entries import write

# More than any buffer holds, and not compressible, so that ends are reached late.
NOISE = random.Random(1).randbytes(3_000_000)
TAR = layer_tar({"etc/greeting": b"hello\n", "usr/lib/noise": NOISE, "zzz": b""})
FILES = ["etc", "usr", "usr/lib", "etc/greeting", "usr/lib/noise", "zzz"]
WRITTEN = [Compression.NONE, Compression.GZIP, Compression.ZSTD]
each = pytest.mark.parametrize("compression", WRITTEN)


def layer_of(tar: bytes, compression: Compression, diff_id: Digest | None = None) -> Layer:
    blob = Blob.from_bytes(compress(tar, compression), layer_media_type(ImageFormat.OCI, compression))
    return Layer(blob, diff_id or Digest.of(tar))


@each
def test_what_it_is(compression: Compression) -> None:
    layer = layer_of(TAR, compression)
    stored = compress(TAR, compression)
    assert (layer.digest, layer.size, layer.diff_id) == (Digest.of(stored), len(stored), Digest.of(TAR))
    assert layer.compression is compression
    assert layer.open().read() == stored
    assert layer.open_uncompressed().read() == TAR
    assert sorted(layer.list_files()) == sorted(FILES)
    assert {entry.path: content.read() for entry, content in layer.entries()}["usr/lib/noise"] == NOISE


def test_nothing_is_opened_before_it_is_asked_for() -> None:
    def refuse() -> io.BytesIO:
        raise AssertionError

    layer = Layer(Blob(Descriptor.of(TAR, layer_media_type(ImageFormat.OCI, Compression.GZIP)), refuse), Digest.of(b""))
    assert layer.size == len(TAR)
    assert layer.with_format(ImageFormat.DOCKER).digest == layer.digest
    assert layer.compression is Compression.GZIP
    assert repr(layer)


@each
def test_a_wrong_diff_id_is_told(compression: Compression) -> None:
    layer = layer_of(TAR, compression, Digest.of(b"other"))
    with pytest.raises(ContentMismatch, match="the tar of layer"):
        layer.open_uncompressed().read()
    with pytest.raises(ContentMismatch, match="the tar of layer"):
        layer.list_files()


def test_a_compressed_blob_does_not_pass_for_its_own_tar() -> None:
    stored = compress(TAR, Compression.GZIP)
    layer = layer_of(TAR, Compression.GZIP, Digest.of(stored))
    with pytest.raises(ContentMismatch):
        layer.list_files()


@each
@pytest.mark.parametrize("place", [0.2, 0.5, 0.999])
def test_a_damaged_blob_is_told(compression: Compression, place: float) -> None:
    stored = bytearray(compress(TAR, compression))
    stored[int(place * len(stored))] ^= 4
    descriptor = Descriptor.of(compress(TAR, compression), layer_media_type(ImageFormat.OCI, compression))
    layer = Layer(Blob(descriptor, Blob.from_bytes(bytes(stored), "x").opener), Digest.of(TAR))
    with pytest.raises((ContentMismatch, InvalidLayer)):
        layer.list_files()


@pytest.mark.parametrize("stored", [compress(b"x" * 1024, Compression.GZIP), compress(TAR, Compression.GZIP)[:-9]])
def test_a_damaged_layer_is_named(stored: bytes) -> None:
    descriptor = Descriptor.of(stored, layer_media_type(ImageFormat.OCI, Compression.GZIP))
    layer = Layer(Blob.from_bytes(stored, descriptor.media_type), Digest.of(TAR))
    with pytest.raises(InvalidLayer, match=f"^layer {descriptor.digest} cannot be read: "):
        layer.list_files()


@each
def test_what_follows_the_end_of_the_tar_counts_too(compression: Compression) -> None:
    padded = TAR + bytes(1_000_000)
    assert sorted(layer_of(padded, compression).list_files()) == sorted(FILES)
    with pytest.raises(ContentMismatch):
        layer_of(padded, compression, Digest.of(TAR)).list_files()


def test_paths_are_relative_to_the_root() -> None:
    tar = write([(TarEntry("a/b"), b"")]).replace(b"a/b".ljust(100, b"\0"), b"/../a/./b".ljust(100, b"\0"))
    checksum = sum(tar[512:1024]) - sum(tar[660:668]) + 8 * 32
    tar = tar[:660] + b"%06o\0 " % checksum + tar[668:]
    assert layer_of(tar, Compression.GZIP).list_files() == ["a", "a/b"]


@each
@pytest.mark.parametrize("target", WRITTEN)
@pytest.mark.parametrize("stored", [False, True], ids=["each-time-anew", "in-a-store"])
def test_another_compression_is_the_same_layer(
    compression: Compression, target: Compression, stored: bool, tmp_path: Path
) -> None:
    moved: list[int] = []
    layer = layer_of(TAR, compression)
    store = BlobStore(tmp_path) if stored else None
    other = layer.compressed(target, writer=store.writer() if store else None, advance=moved.append)
    assert (other.diff_id, other.compression) == (layer.diff_id, target)
    assert other.descriptor.media_type == layer_media_type(ImageFormat.OCI, target)
    with other.open() as stream:
        content = stream.read()
    with other.open() as again:
        assert again.read() == content
    assert (len(content), Digest.of(content)) == (other.size, other.digest)
    assert open_decompressed(io.BytesIO(content)).read() == TAR
    assert sum(moved) == len(TAR)
    assert store is None or store.contains(other.descriptor)


@pytest.mark.parametrize("target", WRITTEN)
def test_both_ways_to_compress_give_the_same_bytes(target: Compression, tmp_path: Path) -> None:
    layer = layer_of(TAR, Compression.GZIP)
    level = None if target is Compression.NONE else 5
    anew = layer.compressed(target, level)
    kept = layer.compressed(target, level, writer=BlobStore(tmp_path).writer())
    assert anew.descriptor == kept.descriptor
    with anew.open() as stream, kept.open() as stored:
        assert stream.read(10) == stored.read(10)


def test_a_damaged_layer_is_not_compressed_anew(tmp_path: Path) -> None:
    layer = layer_of(TAR, Compression.GZIP, Digest.of(b"other"))
    for target in WRITTEN:
        with pytest.raises(ContentMismatch):
            layer.compressed(target)
        with pytest.raises(ContentMismatch):
            layer.compressed(target, writer=BlobStore(tmp_path).writer())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_other_formats_have_other_media_types() -> None:
    layer = layer_of(TAR, Compression.GZIP)
    docker = layer.with_format(ImageFormat.DOCKER)
    assert docker.descriptor.media_type == "application/vnd.docker.image.rootfs.diff.tar.gzip"
    assert (docker.digest, docker.diff_id, docker.config) == (layer.digest, layer.diff_id, layer.config)
    assert docker.with_format(ImageFormat.OCI).descriptor == layer.descriptor
    assert layer.with_format(ImageFormat.OCI) is layer
    with pytest.raises(UnsupportedFormat, match="zstd"):
        layer_of(TAR, Compression.ZSTD).with_format(ImageFormat.DOCKER)


def test_layers_that_may_live_elsewhere_stay_such() -> None:
    media_type = layer_media_type(ImageFormat.DOCKER, Compression.GZIP, foreign=True)
    foreign = Layer(Blob.from_bytes(compress(TAR, Compression.GZIP), media_type), Digest.of(TAR))
    oci = foreign.with_format(ImageFormat.OCI)
    assert oci.descriptor.media_type == layer_media_type(ImageFormat.OCI, Compression.GZIP, foreign=True)
    assert oci.with_format(ImageFormat.DOCKER).descriptor == foreign.descriptor


def test_what_has_an_unknown_type_keeps_it_and_is_told_by_its_content() -> None:
    layer = Layer(Blob.from_bytes(compress(TAR, Compression.ZSTD), "application/x-own"), Digest.of(TAR))
    assert layer.with_format(ImageFormat.DOCKER) is layer
    assert layer.compression is Compression.ZSTD
    assert sorted(layer.list_files()) == sorted(FILES)


def test_many_threads_can_read_a_layer_at_once() -> None:
    layer = layer_of(TAR, Compression.GZIP)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: layer.list_files(), range(8))) == [layer.list_files()] * 8


@each
def test_a_built_layer(compression: Compression, tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    with build_layer(store.writer(), compression) as builder:
        assert builder.layer is None
        builder.add(TarEntry("etc/greeting", size=6), b"hello\n")
        builder.add(TarEntry("usr/lib/noise", size=len(NOISE)), io.BytesIO(NOISE))
    layer = builder.layer
    assert layer is not None
    assert layer.list_files() == ["etc", "etc/greeting", "usr", "usr/lib", "usr/lib/noise"]
    assert layer.diff_id == f"sha256:{hashlib.sha256(layer.content).hexdigest()}"
    assert layer.checksum == layer.diff_id.encoded
    assert layer.descriptor.media_type == layer_media_type(ImageFormat.OCI, compression)
    assert store.contains(layer.descriptor)


@each
def test_a_built_layer_is_the_same_wherever_it_is_kept(compression: Compression, tmp_path: Path) -> None:
    layers = []
    for writer in (None, BlobStore(tmp_path).writer()):
        with build_layer(writer, compression, parent_mtime=5) as builder:
            builder.add(TarEntry("usr/lib/noise", size=len(NOISE)), NOISE)
        assert builder.layer is not None
        layers.append(builder.layer)
    assert layers[0].descriptor == layers[1].descriptor
    assert layers[0].content == layers[1].content


def test_a_layer_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for writer in (None, BlobStore(tmp_path / "store").writer()):
        with pytest.raises(OSError, match="became shorter"), build_layer(writer) as builder:
            builder.add(TarEntry("a", size=len(NOISE)), NOISE)
            builder.add(TarEntry("b", size=5), io.BytesIO(b"abc"))
        assert builder.layer is None
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_empty_layer_is_a_layer() -> None:
    with build_layer() as builder:
        pass
    assert builder.layer is not None
    assert builder.layer.content == bytes(1024)
    assert builder.layer.list_files() == []


def test_config_and_history_go_along() -> None:
    layer = Layer(layer_of(TAR, Compression.GZIP).blob, Digest.of(TAR), history=(History(created_by="x"),))
    layer.config["Env"].append("A=1")
    for other in (layer.with_format(ImageFormat.DOCKER), layer.compressed(Compression.NONE)):
        assert (other.config, other.history) == ({"Env": ["A=1"]}, (History(created_by="x"),))
    assert layer.with_config(layer.config.copy()).config is not layer.config
