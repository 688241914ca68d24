"""LayerBuilder: a layer that is written member by member, and compressed, hashed and stored meanwhile."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from python_docker.image.blob_store import BlobWriter, temporary_writer
from python_docker.image.layer import Layer
from python_docker.spec.digest import Digest
from python_docker.spec.media_types import ImageFormat, layer_media_type
from python_docker.streams.compression import Compression
from python_docker.streams.compressor import CompressingWriter, compression_pool
from python_docker.tar import LayerWriter

_PIECE = 1 << 20
"""Bytes after which it is said how far a layer is."""


class LayerBuilder(LayerWriter):
    """A LayerWriter that compresses, hashes and stores what it writes; `layer` is the result once it is closed."""

    def __init__(
        self,
        writer: BlobWriter,
        compression: Compression = Compression.GZIP,
        level: int | None = None,
        *,
        executor: Executor | None = None,
        parent_mtime: int = 0,
        advance: Callable[[int], object] | None = None,
    ) -> None:
        self._diff = hashlib.sha256()
        self._blob_writer = writer
        self._compression = compression
        self._compressor = CompressingWriter(writer.write, compression, level, executor)
        self._advance = advance
        self.layer: Layer | None = None
        super().__init__(self._take, parent_mtime=parent_mtime)

    def _take(self, data: bytes) -> None:
        if self._advance is None:
            self._diff.update(data)
            self._compressor.write(data)
            return
        view = memoryview(data)
        for start in range(0, len(view), _PIECE):
            piece = view[start : start + _PIECE]
            self._diff.update(piece)
            self._compressor.write(piece)
            self._advance(len(piece))

    def close(self) -> None:
        """End the tar, and make the layer."""
        super().close()
        self._compressor.close()
        blob = self._blob_writer.commit(layer_media_type(ImageFormat.OCI, self._compression))
        self.layer = Layer(blob, Digest.from_hash(self._diff))


@contextmanager
def build_layer(
    writer: BlobWriter | None = None,
    compression: Compression = Compression.GZIP,
    level: int | None = None,
    *,
    parent_mtime: int = 0,
    advance: Callable[[int], object] | None = None,
) -> Iterator[LayerBuilder]:
    """Write a layer; `layer` of the result is there after the `with` block.

    It is kept in `writer`'s store, or, without one, in a temporary file for as long as it is in use. `advance` is
    called with the numbers of bytes of tar that were written.

    >>> from python_docker.tar import TarEntry
    >>> with build_layer() as builder:
    ...     builder.add(TarEntry("hello", size=2), b"hi")
    >>> builder.layer.list_files()
    ['hello']
    """
    with writer or temporary_writer() as blob_writer:
        pool = compression_pool(compression)
        builder = LayerBuilder(
            blob_writer, compression, level, executor=pool, parent_mtime=parent_mtime, advance=advance
        )
        try:
            yield builder
        except BaseException:
            builder._compressor.abort()
            raise
        builder.close()
