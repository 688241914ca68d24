"""TarReader and what is made to harm it: an error that says so, in bounded memory and without endless work."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_docker.errors import InvalidLayer
from python_docker.streams.stream import ReadStream
from python_docker.tar import EntryType, TarEntry, TarReader
from tests.python_docker.tar.by_hand import header, pax
from tests.python_docker.tar.entries import Content, layers, write
from tests.python_docker.tar.test_reader import Pipe

MIB = 1 << 20
opened = pytest.mark.parametrize("open_", [io.BytesIO, Pipe], ids=["seekable", "pipe"])
Open = Callable[[bytes], BinaryIO]


def walk(stream: BinaryIO) -> list[TarEntry]:
    return [entry for entry, _ in TarReader(stream)]


class Endless(ReadStream):
    """Blocks without end; fails when more than `limit` bytes are read."""

    def __init__(self, blocks: Iterator[bytes], limit: int) -> None:
        super().__init__()
        self._blocks = blocks
        self._left = limit

    def read(self, size: int | None = -1) -> bytes:
        block = next(self._blocks)
        self._left -= len(block)
        assert self._left > 0, "too much was read"
        return block


@opened
@pytest.mark.parametrize("flag", [b"x", b"g", b"L", b"K"])
@pytest.mark.parametrize("size", [MIB + 1, 1 << 30, 0o77777777777])
def test_a_header_of_a_gigabyte_is_refused_unread(open_: Open, flag: bytes, size: int) -> None:
    with pytest.raises(InvalidLayer, match=f"headers of {size} bytes"):
        walk(open_(header(flag=flag, size=b"%011o" % size) + bytes(1024)))


def test_many_headers_before_one_member_are_refused() -> None:
    blocks = (pax(**{f"SCHILY.xattr.user.{number}": b"v" * 100_000}) for number in range(10_000))
    with pytest.raises(InvalidLayer, match=r"headers of \d+ bytes"):
        walk(Endless(blocks, 20 * MIB))


def test_global_headers_do_not_pile_up() -> None:
    def blocks() -> Iterator[bytes]:
        for number in range(100):
            yield pax(b"g", **{f"SCHILY.xattr.user.{number}": b"v" * 400_000, f"own.{number}": b"v" * 400_000})
            yield header(name=b"%d" % number)
        yield bytes(1024)
        while True:
            yield b""

    tracemalloc.start()
    entries = walk(Endless(blocks(), 100 * MIB))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(entries) == 100
    assert entries[-1].xattrs == {}
    assert peak < 12 * MIB


def test_content_of_a_petabyte_is_passed_over_in_bounded_memory() -> None:
    def blocks() -> Iterator[bytes]:
        yield header(size=b"\x80" + (1 << 50).to_bytes(11, "big"))
        while True:
            yield bytes(MIB)

    tracemalloc.start()
    with pytest.raises(AssertionError, match="too much was read"):
        walk(Endless(blocks(), 200 * MIB))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * MIB


@opened
@pytest.mark.parametrize("size", [1, 511, 512, 1 << 20, 1 << 40, 1 << 62, (1 << 63) - 1, 1 << 63, 1 << 80])
@pytest.mark.parametrize("form", ["base-256", "pax"])
def test_content_that_is_not_there(open_: Open, size: int, form: str) -> None:
    if form == "pax":
        tar = pax(size=b"%d" % size) + header()
    else:
        tar = header(size=b"\x80" + size.to_bytes(11, "big"))
    with pytest.raises(InvalidLayer):
        walk(open_(tar))
    with pytest.raises(InvalidLayer):
        next(iter(TarReader(open_(tar))))[1].read()


@pytest.mark.parametrize("buffering", [-1, 0])
@pytest.mark.parametrize("size", [1 << 20, 1 << 62, (1 << 63) - 1, 1 << 63, 1 << 80])
def test_content_that_no_file_can_hold(tmp_path: Path, buffering: int, size: int) -> None:
    path = tmp_path / "short.tar"
    path.write_bytes(header(size=b"\x80" + size.to_bytes(11, "big")))
    with path.open("rb", buffering=buffering) as file, pytest.raises(InvalidLayer, match="cut short"):
        walk(file)


@pytest.mark.parametrize("buffering", [-1, 0])
@pytest.mark.parametrize("missing", [0, 1, 424, 425, 512, 2048, 500_000])
def test_a_file_that_is_cut_within_large_content_is_told(tmp_path: Path, buffering: int, missing: int) -> None:
    path = tmp_path / "cut.tar"
    tar = write([(TarEntry("large", size=600_152), bytes(600_152))])[:-1024]
    path.write_bytes(tar[: len(tar) - missing])
    with path.open("rb", buffering=buffering) as file:
        if missing <= 424:  # the padding after the content, without which some programs end their tars
            assert [entry.path for entry in walk(file)] == ["large"]
        else:
            with pytest.raises(InvalidLayer, match="cut short"):
                walk(file)


@opened
@pytest.mark.parametrize(
    ("block", "message"),
    [
        (header(size=b"\xff" * 12), "negative size"),
        (pax(size=b"-1") + header(), "negative size"),
        (pax(size=b"-0000512") + header(size=b"00000000001"), "negative size"),
        (header(flag=b"x", size=b"\xff" * 12), "headers of -1 bytes"),
        (header(flag=b"x", size=b"\x80" + b"\xff" * 11), "headers of"),
        (header(size=b"12345678x"), "a size is b'12345678x'"),
        (header(size=b"00000000009"), "a size is"),
        (header(size=b"+0000000001"), "a size is"),
        (header(size=b"-0000000001"), "a size is"),
        (header(size=b"0_000000001"), "a size is"),
        (header(size=b"0 0000000001"), "a size is"),
        (header(size=b"\xb9" * 12), "a size is"),
        (header(uid=b"nobody"), "a user ID is"),
        (header(gid=b"0x1"), "a group ID is"),
        (header(mode=b"rwx"), "a mode is"),
        (header(mtime=b"now"), "a time is"),
        (header(flag=b"3", major=b"x"), "a device is"),
        (pax(mtime=b"nan") + header(), "a time is"),
        (pax(mtime=b"inf") + header(), "a time is"),
        (pax(mtime=b"1e9") + header(), "a time is"),
        (pax(mtime=b"1.2.3") + header(), "a time is"),
        (pax(mtime=b"9" * 5000) + header(), "a time is"),
        (pax(uid=b"1_000") + header(), "a user ID is"),
        (pax(gid=b" 1") + header(), "a group ID is"),
        (pax(uid="\u0661".encode()) + header(), "a user ID is"),
        (pax(path=b"a\0b") + header(), "NUL"),
        (pax(linkpath=b"a\0b") + header(flag=b"2"), "NUL"),
        (pax(path=b"a/" * 2049) + header(), "a path of 4098 bytes"),
        (pax(linkpath=b"a" * 4097) + header(flag=b"2"), "a path of 4097 bytes"),
        (header(flag=b"L", size=b"%011o" % 5000) + b"a" * 5000 + bytes(120) + header(), "a path of 5000 bytes"),
        (header(name=b"folder/", flag=b"\0", size=b"00000000005"), "the folder 'folder/' has content"),
        (header(flag=b"S"), "sparse"),
        (pax(**{"GNU.sparse.major": b"1"}) + header(), "sparse"),
        (header(flag=b"Z"), "unknown type b'Z'"),
        (header(flag=b"V"), "unknown type b'V'"),
        (header(flag=b"x", size=b"00000000100"), "cut short"),
        (bytes(100) + header(), "checksum"),
        (b"<html>".ljust(512), "checksum"),
        (b"PK\3\4".ljust(512, b"\0"), "a checksum is|checksum is wrong"),
        (header()[:-1] + b"\1", "checksum is wrong"),
    ],
)
def test_damage_is_named(open_: Open, block: bytes, message: str) -> None:
    with pytest.raises(InvalidLayer, match=message):
        walk(open_(block + bytes(1024)[: -len(block) % 512]))


@opened
@pytest.mark.parametrize(
    "body",
    [
        b"x",
        b"5",
        b"5 ",
        b" a=b\n",
        b"-6 a=b\n",
        b"6 a=b",
        b"7 a=b\n",
        b"6 ab\n\n",
        b"6 a=bc",
        b"0 a=b\n",
        b"1 a=b\n",
        b"99999999999999999999 a=b\n",
        b"+6 a=b\n",
        b"\xd9\xa6 a=b\n",
    ],
)
def test_damaged_pax_records_are_told(open_: Open, body: bytes) -> None:
    tar = header(flag=b"x", size=b"%011o" % len(body)) + body.ljust(512, b"\0") + header()
    with pytest.raises(InvalidLayer, match="pax"):
        walk(open_(tar))


@opened
def test_truncation_at_any_byte_is_told_or_falls_between_members(open_: Open) -> None:
    members: list[Content] = [
        (TarEntry("a", size=3), b"abc"),
        (TarEntry("b" * 120, size=600, xattrs={"user.a": b"b"}), bytes(600)),
        (TarEntry("c", EntryType.SYMLINK, link_target="d"), b""),
    ]
    tar = write(members)
    assert len(tar) == 5120
    # Each member without its padding, which some programs leave out, or with it; the end blocks need not be there.
    ends = {
        size: number
        for number, (start, end) in enumerate([(0, 0), (515, 1024), (3160, 3584), (4096, 4096)])
        for size in range(start, end + 1)
    }
    ends |= dict.fromkeys(range(4608, 5120), 3)
    for size in range(len(tar)):
        if size in ends:
            assert walk(open_(tar[:size])) == [entry for entry, _ in members[: ends[size]]]
        else:
            with pytest.raises(InvalidLayer):
                walk(open_(tar[:size]))


def test_errors_of_the_disk_are_no_damage_of_the_tar() -> None:
    class Failing(io.BytesIO):
        def seek(self, offset: int, whence: int = 0) -> int:
            raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output error"):
        walk(Failing(write([(TarEntry("large", size=600_000), bytes(600_000))])))


def _survive(stream: BinaryIO) -> None:
    try:
        for entry, content in TarReader(stream):
            assert entry.size >= 0
            assert len(content.read(100_000)) <= entry.size
    except InvalidLayer:
        pass


@opened
@given(members=layers(), changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=4))
def test_changed_bytes_raise_nothing_else(open_: Open, members: list[Content], changes: list[tuple[int, int]]) -> None:
    tar = bytearray(write(members))
    for place, value in changes:
        tar[place % len(tar)] = value
    _survive(open_(bytes(tar)))


FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "name": st.binary(max_size=100),
        "mode": st.binary(max_size=8),
        "uid": st.binary(max_size=8),
        "size": st.one_of(st.binary(max_size=12), st.integers(0, 2000).map(lambda size: b"%011o" % size)),
        "mtime": st.binary(max_size=12),
        "flag": st.one_of(st.binary(min_size=1, max_size=1), st.sampled_from([b"x", b"g", b"L", b"K", b"1", b"5"])),
        "link": st.binary(max_size=100),
        "magic": st.sampled_from([b"ustar\x0000", b"ustar  \0", b""]),
        "prefix": st.binary(max_size=155),
    },
)


@opened
@given(blocks=st.lists(st.one_of(FIELDS.map(lambda fields: header(**fields)), st.binary(max_size=700)), max_size=6))
def test_any_headers_raise_nothing_else(open_: Open, blocks: list[bytes]) -> None:
    _survive(open_(b"".join(blocks)))


@opened
@given(body=st.binary(max_size=300))
def test_any_pax_header_raises_nothing_else(open_: Open, body: bytes) -> None:
    tar = header(flag=b"x", size=b"%011o" % len(body)) + body + bytes(-len(body) % 512) + header()
    _survive(open_(tar))
