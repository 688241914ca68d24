"""CompressingWriter: the same bytes however it is fed and however many threads work."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import threading
import zlib
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from python_docker.streams import compressor
from python_docker.streams.compression import Compression, open_decompressed, zstd_module
from python_docker.streams.compressor import CompressingWriter, compression_pool

MIB = 1 << 20
WRITTEN = [Compression.NONE, Compression.GZIP, Compression.ZSTD]
each = pytest.mark.parametrize("compression", WRITTEN)


def fixed_content(size: int) -> bytes:
    """Bytes that are the same everywhere: half text, half what does not compress."""
    words = b"".join(b"line %d of a file like many others\n" % number for number in range(4000))
    noise = b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(4000))
    return ((words + noise) * (size // len(words + noise) + 1))[:size]


def compress(
    pieces: list[bytes], compression: Compression, level: int | None = None, executor: Executor | None = None
) -> bytes:
    given: list[bytes] = []
    with CompressingWriter(given.append, compression, level, executor) as writer:
        for piece in pieces:
            writer.write(piece)
    return b"".join(given)


@each
@settings(max_examples=30)
@given(cuts=st.lists(st.integers(0, 9 * MIB), max_size=12), as_view=st.booleans())
def test_the_output_does_not_depend_on_the_pieces(compression: Compression, cuts: list[int], as_view: bool) -> None:
    content = CONTENT
    places = [0, *sorted(cuts), len(content)]
    pieces: list[Any] = [content[start:end] for start, end in pairwise(places)]
    if as_view:
        pieces = [memoryview(piece) for piece in pieces]
    assert compress(pieces, compression, executor=compression_pool(compression)) == EXPECTED[compression]


CONTENT = fixed_content(9 * MIB + 12_345)
EXPECTED = {compression: compress([CONTENT], compression) for compression in WRITTEN}


@each
@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_the_output_does_not_depend_on_the_threads(compression: Compression, threads: int) -> None:
    with ThreadPoolExecutor(threads) as pool:
        pieces = [CONTENT[place : place + 300_000] for place in range(0, len(CONTENT), 300_000)]
        assert compress(pieces, compression, executor=pool) == EXPECTED[compression]


@each
@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 4 * MIB - 1, 4 * MIB, 4 * MIB + 1, 8 * MIB])
def test_what_is_written_can_be_read(compression: Compression, size: int) -> None:
    content = CONTENT[:size]
    with_threads = compress([content], compression, executor=compression_pool(compression))
    assert with_threads == compress([content], compression)
    assert open_decompressed(io.BytesIO(with_threads)).read() == content


def test_gzip_is_read_by_everybody() -> None:
    assert gzip.decompress(EXPECTED[Compression.GZIP]) == CONTENT


def test_zstd_is_read_by_everybody() -> None:
    assert zstd_module().decompress(EXPECTED[Compression.ZSTD]) == CONTENT


@pytest.mark.parametrize(
    ("level", "digest"),
    [
        (1, "f6b8e751a410673f5a66a095201e1b4523ea1559e3bdd9faa6787dfd49d69966"),
        (6, "7d1fa4290041f6e6b905869b9a3b98c6fa450b0a36b1c16d231d7c45382198b0"),
        (12, "fe1af7123fffc5f835de4e6b4d36bb8b9cefbaba9cd43e4edd6d9a3a64f54c2d"),
    ],
)
def test_the_bytes_of_gzip_are_part_of_the_layer_format(level: int, digest: str) -> None:
    # Other bytes here mean another digest of every layer: raise the layer format's version.
    stored = compress([fixed_content(2 * MIB + 5)], Compression.GZIP, level)
    assert hashlib.sha256(stored).hexdigest() == digest


ZSTD_DIGESTS = {
    ("1.5.7", 3): "192fb9f6dd60cf528126ac8cca371d6d74adbb479655d799f4ca9a27c583fb4a",
    ("1.5.7", 9): "924c77d4462c361e0a14c9c3841dbb08c9f932e20cf1aff97187f84953257d69",
}


@pytest.mark.parametrize("level", [3, 9])
def test_the_bytes_of_zstd_are_part_of_the_layer_format(level: int) -> None:
    version = zstd_module().zstd_version
    if (version, level) not in ZSTD_DIGESTS:
        pytest.skip(f"libzstd {version} may write other bytes than {sorted({known for known, _ in ZSTD_DIGESTS})}")
    stored = compress([fixed_content(4 * MIB + 5)], Compression.ZSTD, level)
    assert hashlib.sha256(stored).hexdigest() == ZSTD_DIGESTS[version, level]


def test_gzip_members_name_no_time_no_file_and_no_system() -> None:
    # RFC 1952 section 2.3: flags, four bytes of time, extra flags, operating system 255 (unknown).
    stored = compress([b"abc"], Compression.GZIP)
    assert stored[:4] == b"\x1f\x8b\x08\x00"
    assert stored[4:8] == bytes(4)
    assert stored[9] == 255


def test_each_gzip_member_holds_one_mebibyte() -> None:
    rest = EXPECTED[Compression.GZIP]
    sizes = []
    while rest:
        member = zlib.decompressobj(wbits=31)
        sizes.append(len(member.decompress(rest)))
        rest = member.unused_data
    assert sizes == [MIB] * 9 + [12_345]


def test_each_zstd_frame_holds_four_mebibytes_and_a_checksum() -> None:
    zstd = zstd_module()
    rest = EXPECTED[Compression.ZSTD]
    sizes = []
    while rest:
        assert rest[4] & 4  # RFC 8878 section 3.1.1.1.1: Content_Checksum_flag
        frame = zstd.ZstdDecompressor()
        sizes.append(len(frame.decompress(rest)))
        rest = frame.unused_data
    assert sizes == [4 * MIB, 4 * MIB, MIB + 12_345]


@pytest.mark.parametrize("compression", [Compression.BZIP2, Compression.XZ])
def test_layers_are_not_written_in_other_compressions(compression: Compression) -> None:
    with pytest.raises(ValueError, match="not written with"):
        CompressingWriter(print, compression)


class LazyFuture(Future[Any]):
    """A result that is worked out only when somebody waits for it."""

    def __init__(self, pool: LazyPool, call: Callable[[], Any]) -> None:
        super().__init__()
        self.pool = pool
        self.call = call

    def done(self) -> bool:
        return False

    def result(self, timeout: float | None = None) -> Any:
        self.pool.waiting.remove(self)
        return self.call()

    def cancel(self) -> bool:
        self.pool.waiting.remove(self)
        self.pool.cancelled += 1
        return True


class LazyPool(Executor):
    """Threads that are as slow as can be."""

    def __init__(self) -> None:
        self.waiting: list[LazyFuture] = []
        self.most = 0
        self.cancelled = 0

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        future = LazyFuture(self, lambda: function(*arguments, **options))
        self.waiting.append(future)
        self.most = max(self.most, len(self.waiting))
        return future


@pytest.mark.parametrize(("waiting", "most"), [(0, 4), (5 * MIB, 5)])
def test_a_few_blocks_at_most_wait_for_slow_threads(monkeypatch: pytest.MonkeyPatch, waiting: int, most: int) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    monkeypatch.setattr(compressor, "_WAITING", waiting)
    pool = LazyPool()
    assert compress([CONTENT], Compression.GZIP, executor=pool) == EXPECTED[Compression.GZIP]
    assert pool.most == most


class Refused(Exception):
    pass


def test_an_error_in_a_thread_reaches_the_caller_and_nothing_goes_on() -> None:
    pool = LazyPool()

    def fail() -> bytes:
        raise Refused

    given: list[bytes] = []
    with pytest.raises(Refused), CompressingWriter(given.append, Compression.GZIP, executor=pool) as writer:
        writer.write(CONTENT[: 2 * MIB])
        pool.waiting[0].call = fail
        writer.write(CONTENT)
        writer.write(CONTENT)
    assert given == []
    assert pool.waiting == []
    assert pool.cancelled


def test_an_error_at_the_end_leaves_nothing_waiting() -> None:
    pool = LazyPool()

    def fail() -> bytes:
        raise Refused

    given: list[bytes] = []
    with pytest.raises(Refused), CompressingWriter(given.append, Compression.GZIP, executor=pool) as writer:
        writer.write(CONTENT[: 2 * MIB])
        pool.waiting[1].call = fail
    assert len(given) == 1
    assert pool.waiting == []


def test_an_error_of_the_sink_reaches_the_caller() -> None:
    def full(data: bytes) -> None:
        raise OSError(28, "No space left on device")

    for compression in WRITTEN:
        for executor in (None, compression_pool(compression)):
            with (
                pytest.raises(OSError, match="No space left"),
                CompressingWriter(full, compression, executor=executor) as writer,
            ):
                writer.write(CONTENT)


def test_an_error_of_the_caller_drops_what_is_not_written() -> None:
    pool = LazyPool()
    given: list[bytes] = []
    with pytest.raises(Refused), CompressingWriter(given.append, Compression.ZSTD, executor=pool) as writer:
        writer.write(CONTENT[: 4 * MIB])
        raise Refused
    assert (given, pool.waiting, pool.cancelled) == ([], [], 1)


def test_the_sink_is_called_in_order_in_the_caller_s_thread() -> None:
    threads: set[int] = set()

    def sink(data: bytes) -> None:
        threads.add(threading.get_ident())

    with CompressingWriter(sink, Compression.GZIP, executor=compression_pool(Compression.GZIP)) as writer:
        writer.write(CONTENT)
    assert threads == {threading.get_ident()}


def test_several_writers_share_the_pool() -> None:
    results: dict[int, bytes] = {}

    def work(number: int) -> None:
        results[number] = compress([CONTENT], Compression.GZIP, executor=compression_pool(Compression.GZIP))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(results.values()) == {EXPECTED[Compression.GZIP]}
    assert len(results) == 4


def test_the_pool_lets_nobody_hand_in_more_than_it_bounds() -> None:
    go_on = threading.Event()
    room = compressor._CompressionPool(1, 2)
    taken: list[Future[bool]] = []

    def hand_in() -> None:
        taken.extend(room.submit(go_on.wait) for _ in range(10))

    with room:
        thread = threading.Thread(target=hand_in)
        thread.start()
        thread.join(0.2)
        assert thread.is_alive()
        assert len(taken) <= 2
        go_on.set()
        thread.join(120)
        assert len(taken) == 10


def test_what_is_cancelled_makes_room_in_the_pool() -> None:
    go_on = threading.Event()
    with compressor._CompressionPool(1, 2) as room:
        running = room.submit(go_on.wait)
        for _ in range(20):
            assert room.submit(go_on.wait).cancel()
        go_on.set()
        assert running.result(120)


def test_a_pool_that_is_closed_refuses_and_stays_as_it_was() -> None:
    room = compressor._CompressionPool(1, 2)
    room.shutdown()
    for _ in range(20):
        with pytest.raises(RuntimeError):
            room.submit(bool)
