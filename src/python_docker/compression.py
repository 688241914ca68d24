"""Compression of layers: gzip, zstd or none behind one interface; several cores, the same bytes on every machine.

What is written is cut into blocks of a fixed size, each a gzip member or zstd frame of its own (RFC 1952 section 2.2
and RFC 8878 section 3 allow any number of them), so the output does not depend on how many threads made it. gzip is
written by libdeflate and read by ISA-L: the latter compresses faster, but to other bytes on another kind of processor.
"""

from __future__ import annotations

import bz2
import lzma
import os
import re
import sys
import zlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, BinaryIO, cast

import deflate
from isal import igzip

from python_docker.errors import InvalidLayer
from python_docker.stream import ReadStream

if TYPE_CHECKING:
    from types import ModuleType, TracebackType

# Bytes of tar that make one gzip member or zstd frame. Part of the layer format: another size gives other bytes.
_BLOCK_SIZES = {"gzip": 1 << 20, "zstd": 4 << 20}
_READ_SIZE = 256 << 10
# What a stream may ask a decoder to remember: 128 MiB, zstd's own limit; `xz -9` needs 65 MiB.
_MAX_WINDOW_LOG = 27
_MAX_XZ_MEMORY = 128 << 20


class Compression(StrEnum):
    """How a layer's tar is packed."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"
    BZIP2 = "bzip2"
    XZ = "xz"

    @property
    def default_level(self) -> int:
        """The level that is used when none is asked for."""
        return {Compression.GZIP: 1, Compression.ZSTD: 3}.get(self, 0)


_MAGIC = (
    (b"\x1f\x8b", Compression.GZIP),
    (b"\x28\xb5\x2f\xfd", Compression.ZSTD),
    (b"\xfd7zXZ\x00", Compression.XZ),
)
# The level and the start of the first block's or the end's number, since a tar may start with the name "BZh".
_BZIP2 = re.compile(rb"BZh[1-9](?:1A|\x17r)")


def sniff(head: bytes) -> Compression:
    """The compression of content that starts with `head` (six bytes are enough), told by its magic number.

    >>> sniff(b"\\x1f\\x8b\\x08")
    <Compression.GZIP: 'gzip'>
    """
    for magic, compression in _MAGIC:
        if head.startswith(magic):
            return compression
    if _BZIP2.match(head):
        return Compression.BZIP2
    # A skippable frame: RFC 8878 section 3.1.2.
    if len(head) >= 4 and head[1:4] == b"\x2a\x4d\x18" and 0x50 <= head[0] <= 0x5F:
        return Compression.ZSTD
    return Compression.NONE


@cache
def _zstd() -> ModuleType:
    """The standard library's zstd module, or its backport."""
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd


class _Prefixed(ReadStream):
    """A stream whose first bytes were read already."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        super().__init__(stream)
        self._head = head
        self._stream = stream

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            data, self._head = self._head, b""
            return data + self._stream.read()
        if self._head:
            data, self._head = self._head[:size], self._head[size:]
            return data
        return self._stream.read(size)


class _XzReader(ReadStream):
    """What xz streams hold. Unlike `lzma.LZMAFile` it bounds the memory that a stream may ask for."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(stream)
        self._stream = stream
        self._decoder = self._new_decoder()

    @staticmethod
    def _new_decoder() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MAX_XZ_MEMORY)

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(_READ_SIZE), b""))
        while True:
            if self._decoder.eof:
                # The next stream, or the padding of zeros between them (xz file format, section 2.2).
                rest = self._decoder.unused_data.lstrip(b"\0")
                while not rest:
                    data = self._stream.read(_READ_SIZE)
                    if not data:
                        return b""
                    rest = data.lstrip(b"\0")
                self._decoder = self._new_decoder()
            elif self._decoder.needs_input:
                rest = self._stream.read(_READ_SIZE)
                if not rest:
                    raise EOFError("it ends before its end is marked")
            else:
                rest = b""
            data = self._decoder.decompress(rest, size)
            if data or not size:
                return data


class _Decompressed(ReadStream):
    """A decompressing file, with the errors of its library told as `InvalidLayer`."""

    def __init__(self, stream: BinaryIO, beneath: BinaryIO, compression: Compression) -> None:
        super().__init__(stream, beneath)
        self._stream = stream
        self._compression = compression

    def read(self, size: int | None = -1) -> bytes:
        try:
            return self._stream.read(-1 if size is None else size)
        except (EOFError, zlib.error, lzma.LZMAError) as error:
            raise InvalidLayer(f"damaged {self._compression} stream: {error}") from error
        except OSError as error:
            if error.errno is not None:
                raise
            # What bz2 and gzip raise for bad data is an OSError without a number.
            raise InvalidLayer(f"damaged {self._compression} stream: {error}") from error
        except Exception as error:
            # The errors' classes are not typed, or belong to a module that differs between Python versions.
            if type(error).__name__ not in {"ZstdError", "IsalError"}:
                raise
            raise InvalidLayer(f"damaged {self._compression} stream: {error}") from error


def open_decompressed(stream: BinaryIO) -> BinaryIO:
    """A reader of what `stream` holds uncompressed, whatever its compression (told by its first bytes).

    Any number of gzip members, zstd frames, bzip2 or xz streams may follow one another. Closing the result closes
    `stream`. Reading raises `InvalidLayer` for data that is damaged, cut short, or asks for more than 128 MiB of memory.

    >>> import gzip, io
    >>> open_decompressed(io.BytesIO(gzip.compress(b"a") + gzip.compress(b"b"))).read()
    b'ab'
    """
    head = b""
    while len(head) < 6 and (data := stream.read(6 - len(head))):
        head += data
    compression = sniff(head)
    whole = _Prefixed(head, stream)
    if compression is Compression.NONE:
        return whole
    inner: BinaryIO
    if compression is Compression.GZIP:
        inner = cast("BinaryIO", igzip.open(whole, "rb"))  # type: ignore[no-untyped-call]
    elif compression is Compression.ZSTD:
        zstd = _zstd()
        options = {zstd.DecompressionParameter.window_log_max: _MAX_WINDOW_LOG}
        inner = cast("BinaryIO", zstd.ZstdFile(whole, options=options))
    elif compression is Compression.BZIP2:
        inner = cast("BinaryIO", bz2.BZ2File(whole))
    else:
        inner = _XzReader(whole)
    return _Decompressed(inner, whole, compression)


def _gzip_member(block: bytes | memoryview, level: int) -> bytes:
    # libdeflate writes no time and no name: the same input gives the same bytes (RFC 1952 section 2.3).
    return bytes(deflate.gzip_compress(block, level))


def _zstd_frame(block: bytes | memoryview, level: int) -> bytes:
    zstd = _zstd()
    parameter = zstd.CompressionParameter
    return bytes(zstd.compress(block, options={parameter.compression_level: level, parameter.checksum_flag: 1}))


def check_level(compression: Compression, level: int | None) -> int:
    """The level to use: `level`, or the default when it is None. Raises `ValueError` outside the range."""
    if level is None:
        return compression.default_level
    low, high = {Compression.GZIP: (1, 12), Compression.ZSTD: (1, 22)}.get(compression, (0, 0))
    if not low <= level <= high:
        raise ValueError(f"{compression} has levels {low} to {high}, not {level}")
    return level


@cache
def compression_pool() -> Executor:
    """The threads that compress, as many as there are processors; shared by the whole process."""
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="compress")


class CompressingWriter:
    """Takes a stream's bytes in pieces of any size and gives its compressed form to `sink`.

    `sink` is called with `bytes`, in order, in the thread that calls `write` and `close`. With an `executor`, blocks
    are compressed in its threads while the caller goes on; a few blocks at most are in memory. The output depends on
    what is written, on `compression` and `level`, and on nothing else.

    >>> pieces = []
    >>> with CompressingWriter(pieces.append, Compression.GZIP) as writer:
    ...     writer.write(b"hello")
    >>> import gzip; gzip.decompress(b"".join(pieces))
    b'hello'
    """

    def __init__(
        self,
        sink: Callable[[bytes], object],
        compression: Compression,
        level: int | None = None,
        executor: Executor | None = None,
    ) -> None:
        self._sink = sink
        self._block_size = _BLOCK_SIZES.get(compression, 1)
        self._level = check_level(compression, level)
        self._executor = executor
        self._pieces: list[bytes | memoryview] = []
        self._held = 0
        self._wrote = False
        self._pending: deque[Future[bytes]] = deque()
        self._ahead = (os.cpu_count() or 1) + 1
        if compression is Compression.GZIP:
            self._compress: Callable[[bytes | memoryview, int], bytes] | None = _gzip_member
        elif compression is Compression.ZSTD:
            self._compress = _zstd_frame
        elif compression is Compression.NONE:
            self._compress = None
        else:
            raise ValueError(f"layers are not written with {compression}")

    def write(self, data: bytes | memoryview) -> None:
        """Take `data`, which must not change afterwards."""
        if self._compress is None:
            self._sink(bytes(data) if isinstance(data, memoryview) else data)
            return
        if self._held + len(data) < self._block_size:
            self._pieces.append(data)
            self._held += len(data)
            return
        view = memoryview(data)
        while self._held + len(view) >= self._block_size:
            cut = self._block_size - self._held
            self._pieces.append(view[:cut])
            self._flush()
            view = view[cut:]
        if view:
            self._pieces.append(view)
            self._held = len(view)

    def _flush(self) -> None:
        assert self._compress is not None
        block = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces = []
        self._held = 0
        self._wrote = True
        if self._executor is None:
            self._sink(self._compress(block, self._level))
            return
        while len(self._pending) >= self._ahead or (self._pending and self._pending[0].done()):
            self._sink(self._pending.popleft().result())
        self._pending.append(self._executor.submit(self._compress, block, self._level))

    def close(self) -> None:
        """Compress and hand over what is left. An empty stream becomes one empty member or frame."""
        if self._compress is not None and (self._pieces or not self._wrote):
            if not self._pieces:
                self._pieces.append(b"")
            if self._pending or self._executor is None:
                self._flush()
            else:
                # A small layer: not worth another thread.
                self._wrote = True
                self._sink(self._compress(b"".join(self._pieces), self._level))
                self._pieces = []
        while self._pending:
            self._sink(self._pending.popleft().result())

    def abort(self) -> None:
        """Forget what is not written yet, after an error."""
        while self._pending:
            self._pending.popleft().cancel()
        self._pieces = []
        self._held = 0

    def __enter__(self) -> CompressingWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.close()
        finally:
            self.abort()
