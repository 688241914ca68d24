"""Compression of layers: which there are, how to distinguish and to read them (`compressor` writes them)."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from python_docker.errors import InvalidLayer
from python_docker.streams.stream import ReadStream

if TYPE_CHECKING:
    from types import ModuleType

_READ_SIZE = 256 << 10
# What gzip can unfold to at most is 1,032 times its size; other formats know no limit (files of zeros are honest).
_RATIO = 1100
_ROOM = 16 << 30  # bytes, below which nothing is refused
_ERRORS = frozenset({"EOFError", "IsalError", "LZMAError", "ZstdError", "error"})  # zlib's is `error`
_MAX_XZ_MEMORY = 128 << 20  # bytes; `xz -9` needs 65 MiB


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


WRITTEN = (Compression.NONE, Compression.GZIP, Compression.ZSTD)
"""What layers are written with; the others are only read."""

_MAGIC = (
    (b"\x1f\x8b", Compression.GZIP),
    (b"\x28\xb5\x2f\xfd", Compression.ZSTD),
    (b"\xfd7zXZ\x00", Compression.XZ),
)
# The level and the start of the first block's or the end's number, since a tar may start with the name "BZh".
_BZIP2 = rb"BZh[1-9](?:1A|\x17r)"


def sniff(head: bytes) -> Compression:
    """Return the compression of content that starts with `head` (six bytes are enough), recognised by its magic number.

    >>> sniff(b"\\x1f\\x8b\\x08")
    <Compression.GZIP: 'gzip'>
    """
    for magic, compression in _MAGIC:
        if head.startswith(magic):
            return compression
    if re.match(_BZIP2, head):
        return Compression.BZIP2
    # A skippable frame: RFC 8878 section 3.1.2.
    if len(head) >= 4 and head[1:4] == b"\x2a\x4d\x18" and 0x50 <= head[0] <= 0x5F:
        return Compression.ZSTD
    return Compression.NONE


@cache
def zstd_module() -> ModuleType:
    """Return the standard library's zstd module, or its backport."""
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd


class _Prefixed(ReadStream):
    """A stream whose first bytes were read already; `taken` counts all that were read of it."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        super().__init__(stream)
        self._head = head
        self._stream = stream
        self.taken = len(head)

    def read(self, size: int | None = -1) -> bytes:
        if self._head and size is not None and size >= 0:
            data, self._head = self._head[:size], self._head[size:]
            return data
        head, self._head = self._head, b""
        data = self._stream.read(-1 if size is None else size)
        self.taken += len(data)
        return head + data if head else data


class _Decoder(Protocol):
    """What the decompressors of xz and zstd have in common: each reads one stream or frame."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _FrameReader(ReadStream):
    """What several streams or frames hold, one after another, with bytes of `padding` between them.

    Unlike `lzma.LZMAFile` it bounds the memory that a stream may ask for, and unlike `ZstdFile` it does not copy all
    content twice more.
    """

    def __init__(self, stream: BinaryIO, new_decoder: Callable[[], _Decoder], padding: bytes = b"") -> None:
        super().__init__(stream)
        self._stream = stream
        self._new_decoder = new_decoder
        self._padding = padding
        self._decoder = new_decoder()

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(_READ_SIZE), b""))
        while True:
            if self._decoder.eof:
                rest = self._decoder.unused_data.lstrip(self._padding)
                while not rest:
                    data = self._stream.read(_READ_SIZE)
                    if not data:
                        return b""
                    rest = data.lstrip(self._padding)
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
    """A decompressing file, which raises the errors of its library as `InvalidLayer`."""

    def __init__(self, stream: BinaryIO, beneath: _Prefixed, compression: Compression, room: int, ratio: int) -> None:
        super().__init__(stream, beneath)
        self._stream = stream
        self._packed = beneath
        self._compression = compression
        self._room = room
        self._ratio = ratio
        self._unfolded = 0

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(_READ_SIZE), b""))
        data = self._read(size)
        self._unfolded += len(data)
        if self._unfolded > self._room and self._unfolded > self._ratio * self._packed.taken:
            raise InvalidLayer(
                f"a {self._compression} stream that unfolds to more than {self._room >> 20} MiB and more than "
                f"{self._ratio} times its size; it is not unpacked any further"
            )
        return data

    def _read(self, size: int) -> bytes:
        try:
            return self._stream.read(size)
        except OSError as error:
            if error.errno is not None:
                raise
            # What bz2 and gzip raise for bad data is an OSError without a number.
            raise InvalidLayer(f"damaged {self._compression} stream: {error}") from error
        except Exception as error:
            # By name: their modules are only imported for what is in that compression.
            if type(error).__name__ not in _ERRORS:
                raise
            if "not enough memory" in str(error):  # as zstd says it, for whom that is an error like any other
                raise MemoryError(str(error)) from error
            raise InvalidLayer(f"damaged {self._compression} stream: {error}") from error


def sniff_stream(stream: BinaryIO) -> tuple[Compression, _Prefixed]:
    """Return the compression of what `stream` holds, and a stream of all of it; closing that closes `stream`."""
    head = b""
    while len(head) < 6 and (data := stream.read(6 - len(head))):
        head += data
    return sniff(head), _Prefixed(head, stream)


def open_decompressed(
    stream: BinaryIO, *, max_window_log: int = 27, room: int = _ROOM, ratio: int = _RATIO
) -> BinaryIO:
    """Return a reader of what `stream` holds uncompressed, whatever its compression (recognised by its first bytes).

    Any number of gzip members, zstd frames, bzip2 or xz streams may follow one another. Closing the result closes
    `stream`. Reading raises `InvalidLayer` for data that is damaged, is cut short, or wants too much memory: zstd's
    may have 2 to the power of `max_window_log` bytes (27, or 128 MiB, is what zstd itself allows). So does what unfolds
    to more than `room` bytes and more than `ratio` times what was read of it.

    >>> import gzip, io
    >>> open_decompressed(io.BytesIO(gzip.compress(b"a") + gzip.compress(b"b"))).read()
    b'ab'
    """
    compression, whole = sniff_stream(stream)
    if compression is Compression.NONE:
        return whole
    inner: BinaryIO
    if compression is Compression.GZIP:
        from isal import igzip

        inner = cast("BinaryIO", igzip.open(whole, "rb"))  # type: ignore[no-untyped-call]
    elif compression is Compression.ZSTD:
        zstd = zstd_module()
        options = {zstd.DecompressionParameter.window_log_max: max_window_log}
        inner = _FrameReader(whole, lambda: cast("_Decoder", zstd.ZstdDecompressor(options=options)))
    elif compression is Compression.BZIP2:
        import bz2

        inner = cast("BinaryIO", bz2.BZ2File(whole))
    else:
        import lzma

        # Zeros may stand between streams (xz file format, section 2.2).
        inner = _FrameReader(whole, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MAX_XZ_MEMORY), b"\0")
    return _Decompressed(inner, whole, compression, room, ratio)


def to_written(name: str, value: object) -> Compression:
    """Return the compression that `value` is or spells, the argument called `name`. Raises `ValueError`.

    >>> to_written("compression", "zstd")
    <Compression.ZSTD: 'zstd'>
    """
    if isinstance(value, str) and value in WRITTEN:
        return Compression(value)
    raise ValueError(f"{name} must be one of {', '.join(WRITTEN)}, not {repr(value)[:80]}")


def check_level(compression: Compression, level: int | None) -> int:
    """Return the level to use: `level`, or the default when it is None. Raises `ValueError` outside the range."""
    if level is None:
        return compression.default_level
    low, high = {Compression.GZIP: (1, 12), Compression.ZSTD: (1, 22)}.get(compression, (0, 0))
    if not low <= level <= high:
        raise ValueError(f"{compression} has levels {low} to {high}, not {level}")
    return level
