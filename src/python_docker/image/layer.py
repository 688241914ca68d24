"""Layer: one layer of an image, immutable and lazy."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO

from python_docker.argument_types import check_callable, check_method, check_number, check_type
from python_docker.errors import InvalidLayer
from python_docker.image.blob import Blob
from python_docker.image.blob_store import BlobWriter
from python_docker.image.earlier import EarlierLayer
from python_docker.spec.digest import Digest, VerifyingReader
from python_docker.spec.documents.descriptor import Descriptor
from python_docker.spec.documents.image_config import History
from python_docker.spec.documents.runtime_config import RuntimeConfig
from python_docker.spec.media_types import ImageFormat, layer_compression, layer_media_type
from python_docker.streams.compression import Compression, open_decompressed, sniff_stream, to_written
from python_docker.streams.stream import ReadStream

if TYPE_CHECKING:
    from python_docker.tar import TarEntry

_READ_SIZE = 1 << 20


class Layer(EarlierLayer):
    """A layer: a blob with a tar in it, and the digest of that tar, its diff ID (image-spec, layer.md, config.md).

    Nothing is read before it is asked for. `config` is the runtime config of the image that this layer is the top of:
    the one thing about a layer that may be changed. `history` is how the layer came about, followed by the steps
    after it that made no layer.
    """

    def __init__(
        self,
        blob: Blob,
        diff_id: Digest,
        *,
        config: RuntimeConfig | None = None,
        history: tuple[History, ...] = (),
    ) -> None:
        self._blob = blob
        self._diff_id = diff_id
        self.config: RuntimeConfig = RuntimeConfig() if config is None else config
        self.history = history

    @property
    def blob(self) -> Blob:
        """The layer as it is stored."""
        return self._blob

    @property
    def descriptor(self) -> Descriptor:
        """The descriptor of the blob: media type, digest, and size in bytes, as stored."""
        return self._blob.descriptor

    @property
    def digest(self) -> Digest:
        """The digest of the blob."""
        return self._blob.descriptor.digest

    @property
    def size(self) -> int:
        """How many bytes the blob has, compressed if it is."""
        return self._blob.descriptor.size

    @property
    def diff_id(self) -> Digest:
        """The digest of the uncompressed tar."""
        return self._diff_id

    @property
    def compression(self) -> Compression:
        """The compression that the media type names; where it names none, the one that the content has."""
        named = layer_compression(self.descriptor.media_type)
        if named is not None:
            return named
        with self._blob.open() as blob:
            return sniff_stream(blob)[0]

    def open(self) -> BinaryIO:
        """Return a reader of the blob, compressed if it is. Raises `ContentMismatch` while reading damaged content."""
        return self._blob.open()

    def open_uncompressed(self) -> BinaryIO:
        """Return a reader of the tar. Raises `ContentMismatch` or `InvalidLayer` while reading damaged content.

        Digests are checked when the end is reached: read to the end before trusting what was read.
        """
        compression, blob = sniff_stream(self._blob.open())
        if compression is Compression.NONE and self.diff_id == self.digest:
            # One check is enough where there is one content.
            return blob
        plain = open_decompressed(blob)
        return VerifyingReader(plain, self.diff_id, None, f"the tar of layer {self.digest}")

    def entries(self) -> Iterator[tuple[TarEntry, BinaryIO]]:
        """Yield the members of the tar, each with a reader until the next; digests are checked at the end."""
        from python_docker.tar import TarReader

        try:
            with self.open_uncompressed() as stream:
                yield from TarReader(stream, lenient=True)
                while stream.read(_READ_SIZE):
                    pass
        except InvalidLayer as error:
            raise InvalidLayer(f"layer {self.digest} cannot be read: {error}") from error

    def list_files(self) -> list[str]:
        """Return the paths in the tar, in its order, relative to the root: files, folders and links, whiteouts as they
        are.
        """
        from python_docker.tar import clamped_path

        return [clamped_path(entry.path) for entry, _ in self.entries()]

    def with_blob(self, blob: Blob) -> Layer:
        """Return the same layer in another form, with this one's config."""
        return Layer(blob, self._diff_id, config=self.config, history=self.history)

    def with_config(self, config: RuntimeConfig) -> Layer:
        """Return the same layer with another runtime config."""
        return Layer(self._blob, self._diff_id, config=config, history=self.history)

    def with_format(self, image_format: ImageFormat) -> Layer:
        """Return the same layer with a media type of `image_format`.

        Raises `UnsupportedFormat` where that has none for the layer's compression.
        """
        check_type("image_format", image_format, ImageFormat)
        described = self.descriptor.as_layer(image_format)
        return self if described is self.descriptor else self.with_blob(self._blob.describe(described))

    def compressed(
        self,
        compression: Compression,
        level: int | None = None,
        *,
        writer: BlobWriter | None = None,
        advance: Callable[[int], object] | None = None,
    ) -> Layer:
        """Return the same layer in another compression.

        The content goes through `writer` when there is one, and is kept there. Without, it is compressed once to
        learn its digest and anew each time the layer is opened: slower, but nothing is ever stored. `advance` is
        called with numbers of uncompressed bytes.
        """
        compression = to_written("compression", compression)
        if level is not None:
            check_number("level", level, least=0)
        if writer is not None:
            check_method("writer", writer, "commit")
        check_callable("advance", advance)
        media_type = layer_media_type(ImageFormat.OCI, compression)
        if compression is Compression.NONE and writer is None:
            size = 0
            with self.open_uncompressed() as stream:
                while data := stream.read(_READ_SIZE):
                    size += len(data)
                    if advance is not None:
                        advance(len(data))
            descriptor = Descriptor.new(media_type, self.diff_id, size)
            return self.with_blob(Blob(descriptor, self.open_uncompressed))
        if writer is not None:
            with writer:
                self._compress_to(writer.write, compression, level, advance)
                return self.with_blob(writer.commit(media_type))
        digest = hashlib.sha256()
        size = 0

        def measure(data: bytes) -> None:
            nonlocal size
            digest.update(data)
            size += len(data)

        self._compress_to(measure, compression, level, advance)
        descriptor = Descriptor.new(media_type, Digest.from_hash(digest), size)
        return self.with_blob(Blob(descriptor, lambda: _Recompressing(self, compression, level)))

    def _compress_to(
        self,
        sink: Callable[[bytes], object],
        compression: Compression,
        level: int | None,
        advance: Callable[[int], object] | None,
    ) -> None:
        from python_docker.streams.compressor import CompressingWriter, compression_pool

        with (
            self.open_uncompressed() as stream,
            CompressingWriter(sink, compression, level, compression_pool(compression)) as writer,
        ):
            while data := stream.read(_READ_SIZE):
                writer.write(data)
                if advance is not None:
                    advance(len(data))

    def __repr__(self) -> str:
        return f"<Layer {self.digest.short} {self.size} bytes>"


class _Recompressing(ReadStream):
    """Compresses a layer while it is read."""

    def __init__(self, layer: Layer, compression: Compression, level: int | None) -> None:
        from python_docker.streams.compressor import CompressingWriter, compression_pool

        self._source = layer.open_uncompressed()
        super().__init__(self._source)
        self._ready = bytearray()
        self._writer = CompressingWriter(self._ready.extend, compression, level, compression_pool(compression))
        self._done = False

    def read(self, size: int | None = -1) -> bytes:
        everything = size is None or size < 0
        while not self._done and (everything or len(self._ready) < (size or 0)):
            data = self._source.read(_READ_SIZE)
            if data:
                self._writer.write(data)
            else:
                self._writer.close()
                self._done = True
        size = len(self._ready) if everything else size
        piece = bytes(self._ready[:size])
        del self._ready[:size]
        return piece

    def close(self) -> None:
        if not self.closed:
            self._writer.abort()
        super().close()
