"""Reading compressed layers: which compression it is, several members, damage, and how much memory it may take."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tracemalloc
import zlib
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_docker.errors import InvalidLayer
from python_docker.streams.compression import (
    Compression,
    check_level,
    open_decompressed,
    sniff,
    sniff_stream,
    zstd_module,
)

zstd = zstd_module()


def _zstd(content: bytes) -> bytes:
    return bytes(zstd.compress(content, options={zstd.CompressionParameter.checksum_flag: 1}))


COMPRESSORS: dict[Compression, Callable[[bytes], bytes]] = {
    Compression.GZIP: gzip.compress,
    Compression.ZSTD: _zstd,
    Compression.BZIP2: bz2.compress,
    Compression.XZ: lambda content: lzma.compress(content, check=lzma.CHECK_CRC32),
}
CONTENT = b"usr/bin/hello" + bytes(300) + os.urandom(40) + 20 * b"0000644 "
each = pytest.mark.parametrize("compression", list(COMPRESSORS))


def read(stored: bytes) -> bytes:
    return open_decompressed(io.BytesIO(stored)).read()


@pytest.mark.parametrize("compression", list(COMPRESSORS))
@given(content=st.binary(max_size=300), size=st.integers(1, 100))
def test_content_is_read_in_pieces_of_any_size(compression: Compression, content: bytes, size: int) -> None:
    stream = open_decompressed(io.BytesIO(COMPRESSORS[compression](content)))
    pieces = list(iter(lambda: stream.read(size), b""))
    assert b"".join(pieces) == content
    assert all(len(piece) <= size for piece in pieces)


@given(st.binary())
def test_what_is_not_compressed_is_given_as_it_is(content: bytes) -> None:
    if sniff(content) is Compression.NONE:
        assert read(content) == content


@each
def test_the_compression_is_told_by_the_first_six_bytes(compression: Compression) -> None:
    stored = COMPRESSORS[compression](CONTENT)
    assert sniff(stored) is sniff(stored[:6]) is compression
    found, stream = sniff_stream(io.BytesIO(stored))
    assert (found, stream.read()) == (compression, stored)


def test_a_slow_stream_is_told_too() -> None:
    class Dribble(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(1, -1 if size is None else size))

    assert open_decompressed(Dribble(gzip.compress(b"abc"))).read(3) in (b"a", b"ab", b"abc")
    found, stream = sniff_stream(Dribble(b"abcdefgh"))
    assert (found, b"".join(iter(lambda: stream.read(3), b""))) == (Compression.NONE, b"abcdefgh")


@pytest.mark.parametrize("head", [b"", b"\x1f", b"BZh", b"BZh9", b"BZhello/", b"usr/", bytes(512), b"\x28\xb5\x2f"])
def test_other_content_is_not_compressed(head: bytes) -> None:
    assert sniff(head) is Compression.NONE


@pytest.mark.parametrize("number", range(0x50, 0x60))
def test_a_skippable_frame_is_zstd(number: int) -> None:
    frame = bytes([number]) + b"\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"hello"
    assert sniff(frame) is Compression.ZSTD
    assert read(frame + _zstd(b"abc") + frame + _zstd(b"def") + frame) == b"abcdef"
    assert read(frame) == b""


@each
def test_an_empty_bzip2_stream_and_all_others_are_told(compression: Compression) -> None:
    assert sniff(COMPRESSORS[compression](b"")) is compression
    assert read(COMPRESSORS[compression](b"")) == b""


@each
@pytest.mark.parametrize("members", [2, 3, 50])
def test_members_one_after_another_are_one_content(compression: Compression, members: int) -> None:
    contents = [bytes([number]) * number * 100 for number in range(members)]
    assert read(b"".join(map(COMPRESSORS[compression], contents))) == b"".join(contents)


@each
def test_truncation_at_any_byte_is_told(compression: Compression) -> None:
    first, second = COMPRESSORS[compression](CONTENT), COMPRESSORS[compression](CONTENT[::-1])
    stored = first + second
    for size in range(6, len(stored)):
        if size == len(first):
            continue  # whole members; that some are missing is for the digest to tell
        with pytest.raises(InvalidLayer, match=f"damaged {compression} stream"):
            read(stored[:size])


@each
def test_a_changed_bit_anywhere_never_gives_other_content(compression: Compression) -> None:
    stored = COMPRESSORS[compression](CONTENT)
    for place in range(6, len(stored)):
        damaged = bytearray(stored)
        damaged[place] ^= 1 << place % 8
        try:
            assert read(bytes(damaged)) == CONTENT
        except InvalidLayer:
            continue


@pytest.mark.parametrize("compression", [Compression.GZIP, Compression.ZSTD, Compression.XZ])
@pytest.mark.parametrize("garbage", [b"garbage", b"\x1f\x8b", b"GIF89a" * 100])
def test_what_follows_and_is_no_member_is_told(compression: Compression, garbage: bytes) -> None:
    with pytest.raises(InvalidLayer):
        read(COMPRESSORS[compression](CONTENT) + garbage)


@pytest.mark.parametrize("compression", [Compression.GZIP, Compression.XZ])
@pytest.mark.parametrize("size", [4, 512, 1 << 20])
def test_padding_with_zeros_is_passed_over(compression: Compression, size: int) -> None:
    stored = COMPRESSORS[compression](CONTENT)
    assert read(stored + bytes(size)) == CONTENT


def test_padding_between_xz_streams_is_passed_over() -> None:
    stored = COMPRESSORS[Compression.XZ](b"abc")
    assert read(stored + bytes(1 << 20) + stored) == b"abcabc"


def test_zstd_may_not_ask_for_more_memory_than_allowed() -> None:
    # RFC 8878 section 3.1.1: magic, no content size, a window of 2 GiB, one empty last block.
    frame = b"\x28\xb5\x2f\xfd\x00" + bytes([(31 - 10) << 3]) + b"\x01\x00\x00"
    with pytest.raises(InvalidLayer, match="memory"):
        read(frame)
    assert open_decompressed(io.BytesIO(frame), max_window_log=31).read() == b""


def test_xz_may_not_ask_for_more_memory_than_allowed() -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 20}]
    stored = bytearray(lzma.compress(b"abc", filters=filters))
    # xz file format, sections 3.1 and 5.3.1: the block header's one byte of dictionary size, and the header's CRC.
    assert stored[12:16] == b"\x02\x00\x21\x01"
    stored[16] = 40
    stored[20:24] = zlib.crc32(stored[12:20]).to_bytes(4, "little")
    with pytest.raises(InvalidLayer, match=r"[Mm]emory"):
        read(bytes(stored))


def test_a_bomb_is_read_in_pieces_no_larger_than_asked_for() -> None:
    for compress in COMPRESSORS.values():
        stored = compress(bytes(40 << 20))
        tracemalloc.start()
        stream = open_decompressed(io.BytesIO(stored))
        size = 0
        while data := stream.read(1 << 16):
            assert len(data) <= 1 << 16
            size += len(data)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert size == 40 << 20
        assert peak < 12 << 20  # xz remembers 8 MiB


@each
def test_closing_closes_what_is_beneath(compression: Compression) -> None:
    stream = io.BytesIO(COMPRESSORS[compression](b"abc"))
    with open_decompressed(stream) as plain:
        assert plain.read(1) == b"a"
    assert stream.closed


def test_a_lack_of_memory_is_no_damage_of_the_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    def lack(size: int) -> bytes:
        raise zstd.ZstdError("Unable to decompress Zstandard data: Allocation error : not enough memory")

    reader = open_decompressed(io.BytesIO(_zstd(b"content")))
    monkeypatch.setattr(reader, "_stream", SimpleNamespace(read=lack))
    with pytest.raises(MemoryError):
        reader.read(7)


def test_errors_of_the_disk_are_no_damage_of_the_layer() -> None:
    class Later(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() >= 100:
                raise OSError(5, "Input/output error")
            return super().read(min(50, 50 if size is None or size < 0 else size))

    for compress in COMPRESSORS.values():
        with pytest.raises(OSError, match="Input/output error") as caught:
            open_decompressed(Later(compress(os.urandom(1000)))).read()
        assert not isinstance(caught.value, InvalidLayer)


@pytest.mark.parametrize(
    ("compression", "level", "expected"),
    [
        (Compression.GZIP, None, 1),
        (Compression.ZSTD, None, 3),
        (Compression.NONE, None, 0),
        (Compression.NONE, 0, 0),
        (Compression.GZIP, 12, 12),
        (Compression.ZSTD, 22, 22),
    ],
)
def test_levels(compression: Compression, level: int | None, expected: int) -> None:
    assert check_level(compression, level) == expected


@pytest.mark.parametrize(
    ("compression", "level"),
    [(Compression.GZIP, 0), (Compression.GZIP, 13), (Compression.ZSTD, 23), (Compression.NONE, 1)],
)
def test_levels_out_of_range_are_refused(compression: Compression, level: int) -> None:
    with pytest.raises(ValueError, match=f"{compression} has levels"):
        check_level(compression, level)


@pytest.mark.parametrize("compression", [Compression.GZIP, Compression.ZSTD, Compression.BZIP2, Compression.XZ])
def test_what_unfolds_without_end_is_not_unpacked(compression: Compression) -> None:
    packed = COMPRESSORS[compression](bytes(20 << 20))
    with pytest.raises(InvalidLayer, match="unfolds to more than 1 MiB and more than 50 times its size"):
        open_decompressed(io.BytesIO(packed), room=1 << 20, ratio=50).read()
    assert len(open_decompressed(io.BytesIO(packed), room=1 << 20, ratio=1 << 30).read()) == 20 << 20
    assert len(open_decompressed(io.BytesIO(packed), room=21 << 20, ratio=50).read()) == 20 << 20
